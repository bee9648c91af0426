package attribution

import "strings"

// ARN is an Amazon Resource Name, cut into its parts. Any part but Partition,
// Service and Resource may be blank; the account of what AWS itself owns is
// the word "aws".
type ARN struct {
	Partition string // aws, aws-cn, aws-us-gov, aws-eusc
	Service   string
	Region    string
	Account   string
	Resource  string // the rest, with its slashes and colons
}

// ParseARN cuts s into its parts, which share its memory; ok is false when s is
// no ARN. Partitions and services are not checked against a list: new ones need
// no release.
func ParseARN(s string) (a ARN, ok bool) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return ARN{}, false
	}
	for _, part := range [...]*string{&a.Partition, &a.Service, &a.Region, &a.Account} {
		if *part, rest, ok = strings.Cut(rest, ":"); !ok {
			return ARN{}, false
		}
	}
	a.Resource = rest
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, false
	}
	return a, true
}

// String returns the ARN as AWS spells it.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// isAccount reports whether s is an AWS account id. The account part of an ARN
// may also be blank or "aws", which names no customer.
func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
