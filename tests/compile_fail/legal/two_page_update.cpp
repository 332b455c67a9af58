// SPDX-License-Identifier: BSL-1.0
// why: an amount goes from a row of one page to a row of another.

void legal(file_type file) {
    auto from = file.write<heap_page>(0);
    auto to = file.write<heap_page>(1);
    auto payer = from->row<user>(slot);
    auto payee = to->row<user>(slot);
    payer.set<&user::balance>(payer.get<&user::balance>().value_or(0) - 5);
    payee.set<&user::balance>(payee.get<&user::balance>().value_or(0) + 5);
}
