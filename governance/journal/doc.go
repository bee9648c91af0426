// Package journal writes what a month cost as journal entries that Finance can post:
// whole minor units (cents), by entity, cost centre and ledger account, that add up.
//
// # Terminology
//
//   - An [Item] is exact money and where it belongs.
//   - A [Line] is what is posted for it: a whole number of minor units.
//   - A slice is what is rounded as one: an invoice, or what a payer's month has on
//     no invoice, in one currency. A [Slice] says what it comes to, exactly and
//     rounded, and the residual between the two.
//   - An accrual is posted before the invoice is there, and reversed when it is.
//
// # Guarantees
//
// The lines of a slice add up to its exact total, rounded once, half away from zero:
// each line gets its whole units, and the units that are left go to the lines which
// lost most by that (the largest remainder), ties to the first in order. No line is
// off by a unit or more. Items may come in any order.
//
// A reversal takes back every line of what it reverses, unit by unit; posted together
// they come to nothing.
//
// What is written as CSV or JSON reads back as it was. Text that a spreadsheet would
// take for a formula is written with an apostrophe before it, and read without.
//
// # Non-guarantees
//
// The slices are of the items given: of AI spend, not of whole invoices. Where an
// invoice was rounded line by line it may differ by some units; see
// attribution.InvoiceTotal. No chart of accounts is known here; blank fields stay blank.
package journal
