// Package curtest makes synthetic months of AWS cost reports: as large as a test
// asks for, in constant memory, and the same bytes for the same configuration.
//
// A Config describes a month of invented traffic. Config.Table turns it into a Table,
// whose rows can be ranged over, written as CSV (WriteCSV), as Snappy Parquet
// (WriteParquet), or laid out as AWS delivers them, in chunks with a manifest (Write).
// Hand-made months take the lower door: a Sheet says which columns there are and how
// they are spelled, and Items are the line items; the sample months are made that way.
//
// # Terms
//
// A SKU is what is billed and what a unit of it costs. An Item is one line item before
// it has columns; a Row is the same with them. A delivery is one writing of a month; a
// later delivery of the same month has a later LastDay and may restate rows, that is
// change the amounts of line items that keep their id and interval.
//
// # Guarantees
//
// Costs are quantity × rate in decimals, rounded to ten places, so that an oracle can
// add them exactly; CSV prints them as a Java double, Parquet holds the nearest double,
// whose shortest text is the same decimal because no amount has more than fifteen
// significant digits. (line item id, interval) names a row uniquely within a delivery.
// Rows do not depend on LastDay or Restate other than as those fields say, save that
// discount rows tell the discounts of what is there. What is drawn depends on Seed and
// on nothing of the machine.
//
// # Not guaranteed
//
// No real Bedrock or AgentCore row is public: product codes, usage types, units and
// rates are published ones, but operations, resource ids, and which of the columns are
// filled are the best reading of the documentation. Rows of the other services are
// only as real as a decoder needs. Nothing here may be taken for a price list.
package curtest
