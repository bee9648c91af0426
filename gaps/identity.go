package gaps

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
)

// ID identifies a gap: 32 hexadecimal digits of a digest over its kind and subject. It
// is the same in every statement that shows the gap.
type ID string

// Subject is what a gap is about, as far as that identifies it.
//
// In it are: the account; the anchor, in the one spelling that all its spellings share
// (a role without path, session and SSO hash; a resource without its endpoints and
// sessions, under the documented name of its type); the workload; and what else tells
// two gaps of one kind apart, such as the region that an approval does not cover.
// Which of them a kind uses is said at its detector; the others are zero.
//
// Not in it are: amounts, dates, the billing period, the delivery and its generation,
// the reason, the component of an unclaimed thing, claims, owners and candidates.
// Payer and currency are beside it: a [Book] keeps gaps apart by them, because amounts
// of two currencies cannot be added.
type Subject struct {
	Account  string                 `json:"account,omitempty"`
	Anchor   attribution.Anchor     `json:"anchor,omitzero"`
	Workload attribution.WorkloadID `json:"workload,omitempty"`
	// Aspect and Value tell apart gaps that agree in all else: of a scope the
	// dimension ("region") and what it is ("eu-west-1"), of an unknown meter
	// "usage_type" and the type.
	Aspect string `json:"aspect,omitempty"`
	Value  string `json:"value,omitempty"`
}

// identityVersion is part of every id; it changes when subjects come to be spelled
// differently, which would make new gaps of all old ones.
const identityVersion = "gap/1"

// Identify returns the id of a gap of a kind about a subject. Spellings that mean one
// thing give one id.
func Identify(k Kind, s Subject) ID {
	s = s.canonical()
	h := sha256.New()
	// Lengths before texts, so that no two subjects run into one another.
	for _, part := range [...]string{identityVersion, string(k), s.Account, string(s.Anchor.Kind), s.Anchor.Value, s.Anchor.Account,
		string(s.Workload), s.Aspect, s.Value} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return ID(hex.EncodeToString(h.Sum(nil)[:16]))
}

// canonical spells a subject in the form that identifies it.
func (s Subject) canonical() Subject {
	s.Anchor = canonicalAnchor(s.Anchor, s.Account)
	return s
}

// canonicalAnchor brings the spellings of an anchor together. It decides identity and
// nothing else: whose claims match is decided by package attribution.
func canonicalAnchor(a attribution.Anchor, account string) attribution.Anchor {
	switch a.Kind {
	case attribution.KindRole, attribution.KindUser:
		name, owner := principalName(a.Value)
		return attribution.Anchor{Kind: a.Kind, Value: name, Account: cmp.Or(owner, a.Account, account)}
	case attribution.KindResource, attribution.KindProfile:
		id, owner := resourceName(a.Value)
		if owner == "" || owner == "aws" {
			owner = cmp.Or(a.Account, account)
		}
		return attribution.Anchor{Kind: a.Kind, Value: id, Account: owner}
	}
	return a
}

// principalName returns the name of a role or user without what does not identify it,
// and the account its ARN names.
func principalName(principal string) (name, account string) {
	arn, ok := attribution.ParseARN(principal)
	if !ok {
		return cutPermissionSet(principal), ""
	}
	what, rest, _ := strings.Cut(arn.Resource, "/")
	switch {
	case arn.Service == "sts" && what == "assumed-role":
		rest, _, _ = strings.Cut(rest, "/")
		return cutPermissionSet(rest), arn.Account
	case arn.Service == "iam" && (what == "role" || what == "user"):
		return cutPermissionSet(rest[strings.LastIndexByte(rest, '/')+1:]), arn.Account
	}
	return arn.Resource, arn.Account
}

// ssoPrefix begins the roles of IAM Identity Center permission sets.
const ssoPrefix = "AWSReservedSSO_"

// cutPermissionSet cuts the hash off the role of a permission set, which changes when
// the set is assigned anew.
func cutPermissionSet(role string) string {
	i := strings.LastIndexByte(role, '_')
	if !strings.HasPrefix(role, ssoPrefix) || i < len(ssoPrefix) || len(role)-i-1 != 16 ||
		strings.Trim(role[i+1:], "0123456789abcdef") != "" {
		return role
	}
	return role[:i]
}

// resourceName returns the id of a resource without partition, parts and alias, and
// the account it names.
func resourceName(id string) (name, account string) {
	arn, ok := attribution.ParseARN(id)
	if !ok {
		return id, ""
	}
	parts := strings.SplitN(arn.Resource, "/", 3)
	for _, al := range attribution.DefaultAliases() {
		if len(parts) > 1 && al.Service == arn.Service && al.Type == parts[0] {
			arn.Service, parts[0] = al.AsService, al.AsType
			break
		}
	}
	// A type and an id identify; what follows is an endpoint, version or session.
	arn.Resource = strings.Join(parts[:min(len(parts), 2)], "/")
	arn.Partition = "aws"
	return arn.String(), arn.Account
}
