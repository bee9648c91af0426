package main

// The JSON output, schema 1. Fields may be added to it, none is renamed; its
// schema is kept in output.schema.json. Amounts are decimals as plain strings,
// without exponent or trailing zeros, in the period's currency, before rounding
// to an invoice. What is not known, or not in the report, is null, never "0" and never blank.
type output struct {
	Schema     int      `json:"schema"`
	Rows       int64    `json:"rows"`
	Reconciled bool     `json:"reconciled"`
	Books      *string  `json:"books"` // the file that holds the books, null when nothing was booked
	Periods    []period `json:"periods"`
}

// period is one (payer, export, billing period, currency).
type period struct {
	BillingPeriod   string             `json:"billing_period"`
	Payer           *string            `json:"payer"`
	Export          string             `json:"export"`
	Execution       string             `json:"execution"`
	AsOf            string             `json:"as_of"`
	CompleteThrough string             `json:"complete_through"`
	State           *string            `json:"state"` // open, provisional, invoiced
	Currency        *string            `json:"currency"`
	Rows            int64              `json:"rows"`
	Reconciled      bool               `json:"reconciled"`
	Generation      generation         `json:"generation"`
	Totals          totals             `json:"totals"`
	LineTypes       map[string]sum     `json:"line_types"`
	Products        map[string]sum     `json:"products"`
	Outcomes        map[string]outcome `json:"outcomes"`
	Workloads       []workload         `json:"workloads"` // claimed and shared
	Defaulted       []workload         `json:"defaulted"`
	Spread          []workload         `json:"spread"` // by rule, in no other total of a workload
	Unclaimed       []unclaimed        `json:"unclaimed"`
	Incomplete      []note             `json:"incomplete"`
	Warnings        []note             `json:"warnings"`
}

type generation struct {
	Number   uint64  `json:"number"`
	Previous *uint64 `json:"previous"` // null for the first
	Cause    string  `json:"cause"`
	Delta    []term  `json:"delta"`
}

// term is one part of the difference to the generation before; the terms of a
// period add up to the difference of its totals.
type term struct {
	Term      string  `json:"term"` // new_days, restated, invoiced, ownership, rules
	Outcome   string  `json:"outcome"`
	Workload  *string `json:"workload"`
	Component string  `json:"component"`
	Unblended string  `json:"unblended"`
}

type totals struct {
	Unblended    string  `json:"unblended"`
	NetUnblended *string `json:"net_unblended"`
	Amortized    *string `json:"amortized"`
}

type sum struct {
	Rows      int64  `json:"rows"`
	Unblended string `json:"unblended"`
}

type outcome struct {
	Rows      int64          `json:"rows"`
	Unblended string         `json:"unblended"`
	Reasons   map[string]sum `json:"reasons"`
}

type workload struct {
	Workload   string            `json:"workload"`
	Name       *string           `json:"name"`
	Owner      *string           `json:"owner"`
	Portfolio  *string           `json:"portfolio"`
	Components []component       `json:"components"` // usage
	Other      map[string]string `json:"other"`      // by charge kind
	Unblended  string            `json:"unblended"`
}

type component struct {
	Component string  `json:"component"`
	Group     string  `json:"group"`
	Unit      *string `json:"unit"`
	Usage     *string `json:"usage"`
	Unblended string  `json:"unblended"`
}

type unclaimed struct {
	Anchor     *string  `json:"anchor"`
	Kind       *string  `json:"kind"` // null with the anchor
	Account    *string  `json:"account"`
	Region     *string  `json:"region"`
	Components []string `json:"components"`
	FirstSeen  string   `json:"first_seen"`
	LastSeen   string   `json:"last_seen"`
	Rows       int64    `json:"rows"`
	Unblended  string   `json:"unblended"`
	Reason     string   `json:"reason"`
}

type note struct {
	Code   string  `json:"code"`
	Column *string `json:"column"` // that it is about, null for none
	Rows   int64   `json:"rows"`
}
