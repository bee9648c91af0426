// Package cur reads AWS cost and usage reports and sums them exactly.
//
// It knows files and columns, not owners: what a row means to somebody is the
// business of package attribution.
//
// # Terminology
//
// A report is written in deliveries: AWS rewrites a billing period up to three
// times a day, and each [Delivery] replaces the period whole. A [Manifest] names
// the files of a delivery. A [LineItem] is one row. A [Rollup] groups rows by
// [Key] and sums their [Measures]; its result is a [Partial]. Rows outside the
// rollup's predicate fold into the rest. Control totals are kept by the decoder
// row by row, before any predicate or grouping, for others to reconcile with.
//
// # Reading
//
// [Locate] finds deliveries, [Rollup.Run] sums them, and [NewReader] iterates
// over the rows of one file. CSV, plain or in gzip or zip, and Parquet are told
// apart by content. CUR 2.0, the legacy CSV spelling and the legacy Parquet and
// Athena spelling are told apart by header, whatever the case, order or subset
// of columns; every column stays reachable by name through [LineItem.Column].
// FOCUS 1.0 and 1.2 with AWS's columns are read into the same fields: BilledCost
// is the unblended cost, ListCost the public on-demand cost, and EffectiveCost,
// amortised by AWS, a measure of its own. FOCUS names no caller, so that model
// calls in it have resources, tags and accounts, and no principal; and it tells
// AWS Marketplace apart only by its ProviderName.
//
// A report needs columns for the unblended cost, for a usage start or an
// interval, and for a product code or a usage type. Other columns of the key may
// be missing: the billing period is then the UTC month of the interval's start,
// the line item type is Usage, everything else is blank. A column that is there
// but blank is not defaulted. An amount or a time that has two columns is refused;
// of a text's two columns the first counts.
//
// What a report lacks for attribution, and the setting that adds it, is said by
// [Inspect] of a header, a manifest or the definition of an export.
//
// A tag is told by its exact name: raw where the report has raw names, else as
// AWS normalises it. Two tags that a report spells alike are an error in rows where
// they differ. Legacy Parquet requires every field and writes 0.0 where CSV
// is blank; a net cost of 0.0 there is read as blank, which means no discount.
//
// # Guarantees
//
// Amounts are exact decimals throughout. A Parquet DOUBLE means the shortest
// decimal that reads back as it; that is what AWS prints in CSV, so both formats
// of a month agree to the last digit. Sums do not depend on the order of rows or
// on how they are split into files, and a partial's body is the same bytes.
//
// What cannot be read is an error with file, row, column and cell; nothing is
// skipped, turned to zero or counted twice. Who would rather go on says so with
// [Faults]: rows left out are then counted as rejected, and whoever reconciles
// knows that their cost is missing. Times are UTC, intervals half-open.
//
// # Memory
//
// Memory is a function of the number of groups, not of rows. Session names are
// cut from principals before grouping, since sessions make as many groups as
// rows. [Rollup.MaxGroups] ends a rollup that grows out of hand.
package cur
