package main

import (
	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/governance"
)

// Package governance satisfies what package gaps asks for, without either importing
// the other.
var (
	_ gaps.Directory = (*governance.Register)(nil)
	_ gaps.Estimates = (*governance.Register)(nil)
	_ gaps.Approval  = (*governance.Approval)(nil)
	_ gaps.Remedies  = governance.Remedies{}
)
