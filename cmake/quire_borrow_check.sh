#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# quire_borrow_check.sh CHECKER FLAG... -- COMPILER ARGUMENT...
#
# quire_borrow_check (the .cmake file beside this one) runs this script instead of each compilation:
# CHECKER, a clang, checks the source that COMPILER would compile. The object is an empty file, made
# when the check passed. clang writes the dependency file, by the options given for COMPILER.
#
# Of COMPILER's arguments only those are passed on that define the program: header directories,
# macros, the standard, the machine. The others are dropped, since clang refuses options that it
# does not know, and since warnings that the project enables for its compiler are not borrow checks.
set -eu

checker=$1
shift

object= mode=-fsyntax-only
own=yes   # before the --
skip=no   # the next argument is the compiler's name, or a dropped option's value
keep=no   # the next argument belongs to the option before it
for argument in "$@"; do
    shift
    if [ $own = yes ]; then
        case $argument in
            --) own=no skip=yes ;;
            *) set -- "$@" "$argument" ;;
        esac
        continue
    elif [ $skip = yes ]; then
        skip=no
        continue
    elif [ $keep = yes ]; then
        keep=no
        [ "$argument" != c++-header ] || mode=
        set -- "$@" "$argument"
        continue
    elif [ $keep = object ]; then
        keep=no object=$argument
        continue
    elif [ $keep = source ]; then
        keep=no
        set -- "$@" -c "$argument"
        continue
    fi
    case $argument in
        -o) keep=object ;;
        -c) keep=source ;;
        -D | -U | -I | -F | -x | -MF | -MT | -MQ | --sysroot | -target | -Xclang | \
            -include | -imacros | -isystem | -iquote | -idirafter | -isysroot)
            keep=yes
            set -- "$@" "$argument"
            ;;
        -D* | -U* | -I* | -F* | -x* | -M* | -O* | -Wp,* | -std=* | -stdlib=* | -ansi | @* | \
            -include?* | -imacros?* | -isystem?* | -iquote?* | -idirafter?* | -isysroot?* | \
            --sysroot=* | --target=* | --gcc-toolchain=* | --gcc-install-dir=* | -nostdinc* | \
            -pthread | -fdiagnostics-color* | -f*color-diagnostics)
            set -- "$@" "$argument"
            ;;
        -m32 | -m64 | -mx32 | -march=* | -mcpu=* | -mabi=* | -m*sse* | -m*avx* | -m*bmi* | \
            -mfma | -mf16c | -maes | -msha | -mpclmul | -mpopcnt | -mlzcnt | -mcrc32 | \
            -mcx16 | -mrdrnd | -mrdseed | -mmovbe)
            set -- "$@" "$argument"
            ;;
        -fexceptions | -fno-exceptions | -frtti | -fno-rtti | -fchar8_t | -fno-char8_t | \
            -fsigned-char | -funsigned-char | -fshort-enums | -fshort-wchar | -fPIC | -fpic | \
            -fPIE | -fpie | -ffreestanding | -fms-extensions | -fpermissive | \
            -ftemplate-depth=* | -fconstexpr-depth=*)
            set -- "$@" "$argument"
            ;;
    esac
done

rm -f "$object" # for a precompiled header, clang would read the old one first
if [ -n "$mode" ]; then
    "$checker" "$@" -fsyntax-only
    : >"$object"
else
    "$checker" "$@" -o "$object"
fi
