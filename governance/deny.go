package governance

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
)

// maxPolicy is how long a service control policy may be, in bytes. A policy of IAM may
// be longer.
const maxPolicy = 5120

// A denial is a policy document of AWS, as far as it denies.
type denial struct {
	Version   string
	Statement []denialStatement
}

// denialStatement has its elements in the order in which people expect them.
type denialStatement struct {
	Sid       string
	Effect    string
	Action    []string                       `json:",omitempty"`
	NotAction []string                       `json:",omitempty"`
	Resource  []string                       `json:",omitempty"`
	Condition map[string]map[string][]string `json:",omitempty"`
}

// whatEnds are the actions that stay allowed on what is denied: those that look at it
// and those that end it. Everything else stops, so that an action which AWS adds
// tomorrow is denied too.
var whatEnds = [...]string{"bedrock-agentcore:Delete*", "bedrock-agentcore:Get*", "bedrock-agentcore:List*", "bedrock-agentcore:Stop*"}

// whatCalls are the actions that call models, or have models called.
var whatCalls = [...]string{"bedrock:CreateModelInvocationJob", "bedrock:Invoke*", "bedrock:Rerank", "bedrock:Retrieve*", "bedrock:StartAsyncInvoke"}

// Deny returns policy documents that stop the use of anchors, ready to be pasted into
// an SCP or IAM policy: resources can no longer be used, only looked at and
// deleted; roles and users can no longer call models, wherever they are. A document
// holds as many anchors as an SCP has room for. Text of the bill stands
// in them as text: wildcards and variables in it mean nothing.
//
// Left are the anchors that no policy can name: ids that are no ARN, sessions,
// accounts. What to do about those is the engineer's to find.
//
// Nothing is applied anywhere. Documents do not depend on the order of the anchors.
func Deny(anchors []attribution.Anchor) (documents []string, left []attribution.Anchor) {
	sorted := slices.Clone(anchors)
	slices.SortFunc(sorted, compareAnchors)
	var current denial
	flush := func() {
		if len(current.Statement) > 0 {
			documents = append(documents, current.String())
		}
		current = denial{Version: "2012-10-17"}
	}
	flush()
	for _, a := range slices.Compact(sorted) {
		s, ok := deny(a)
		if !ok {
			left = append(left, a)
			continue
		}
		more := current.with(s)
		if len(current.Statement) > 0 && len(more.String()) > maxPolicy {
			flush()
			more = current.with(s)
		}
		current = more
	}
	flush()
	return documents, left
}

// with returns the document with one more statement: in the last one where the two
// differ in what they are about alone.
func (d denial) with(s denialStatement) denial {
	d.Statement = slices.Clone(d.Statement)
	if n := len(d.Statement); n > 0 {
		if both, ok := d.Statement[n-1].and(s); ok {
			d.Statement[n-1] = both
			return d
		}
	}
	s.Sid = fmt.Sprintf("DenyUnapproved%d", len(d.Statement)+1)
	d.Statement = append(d.Statement, s)
	return d
}

func (s denialStatement) and(o denialStatement) (denialStatement, bool) {
	if !slices.Equal(s.Action, o.Action) || !slices.Equal(s.NotAction, o.NotAction) {
		return s, false
	}
	mine, who := s.Condition["ArnLike"][principalArn], o.Condition["ArnLike"][principalArn]
	switch {
	case len(mine) > 0 && len(who) > 0:
		s.Condition = map[string]map[string][]string{"ArnLike": {principalArn: slices.Concat(mine, who)}}
		return s, true
	case len(mine) > 0 || len(who) > 0 || !reflect.DeepEqual(s.Condition, o.Condition):
		return s, false
	case slices.Equal(s.Resource, o.Resource):
		return s, true
	}
	s.Resource = slices.Concat(s.Resource, o.Resource)
	return s, true
}

// principalArn is the condition key for who calls.
const principalArn = "aws:PrincipalArn"

// String returns the document as JSON. Its texts are valid, so that it cannot fail.
func (d denial) String() string {
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return ""
	}
	return string(b)
}

// deny returns the statement that denies one anchor; ok is false where a policy cannot
// name it.
func deny(a attribution.Anchor) (s denialStatement, ok bool) {
	s.Effect = "Deny"
	switch a.Kind {
	case attribution.KindResource, attribution.KindProfile:
		return denyResource(s, a)
	case attribution.KindRole, attribution.KindUser:
		return denyPrincipal(s, a)
	case attribution.KindTag:
		column, value, found := strings.Cut(a.Value, "=")
		family, key, named := strings.Cut(column, "/")
		key = strings.TrimPrefix(strings.TrimPrefix(key, "user:"), "user_")
		if !found || !named || key == "" || strings.Contains(family, "ategor") {
			return s, false // a cost category is billing's alone
		}
		condition := "aws:ResourceTag/" + key
		if strings.HasPrefix(strings.ToLower(family), "iamprincipal") || strings.HasPrefix(family, "iam_principal") {
			condition = "aws:PrincipalTag/" + key
		}
		s.Action, s.Resource = append([]string{"bedrock-agentcore:Invoke*"}, whatCalls[:]...), []string{"*"}
		s.Condition = map[string]map[string][]string{"StringEquals": {condition: {literal(value)}}}
		return s, true
	}
	return s, false
}

func denyResource(s denialStatement, a attribution.Anchor) (denialStatement, bool) {
	arn, ok := attribution.ParseARN(a.Value)
	if !ok {
		return s, false
	}
	// IAM knows the documented form alone.
	what, rest, _ := strings.Cut(arn.Resource, "/")
	for _, al := range attribution.DefaultAliases() {
		if al.Service == arn.Service && al.Type == what {
			arn.Service, arn.Resource = al.AsService, al.AsType+"/"+rest
			break
		}
	}
	name := literal(arn.String())
	s.Resource = []string{name, name + "/*"}
	if arn.Service == "bedrock-agentcore" {
		s.NotAction = whatEnds[:]
	} else {
		s.Action = whatCalls[:]
	}
	if !isAccount(arn.Account) {
		if !isAccount(a.Account) {
			return s, false // everybody's: denied to the account that used it, if that is known
		}
		s.Condition = map[string]map[string][]string{"StringEquals": {"aws:PrincipalAccount": {a.Account}}}
	}
	return s, true
}

func denyPrincipal(s denialStatement, a attribution.Anchor) (denialStatement, bool) {
	partition, account, name, what := "aws", a.Account, a.Value, "role"
	if a.Kind == attribution.KindUser {
		what = "user"
	}
	if arn, ok := attribution.ParseARN(a.Value); ok {
		partition, account = arn.Partition, arn.Account
		kind, rest, _ := strings.Cut(arn.Resource, "/")
		switch {
		case arn.Service == "sts" && kind == "assumed-role":
			name, _, _ = strings.Cut(rest, "/")
		case arn.Service == "iam" && (kind == "role" || kind == "user"):
			what, name = kind, rest[strings.LastIndexByte(rest, '/')+1:]
		case arn.Service == "iam" && arn.Resource == "root":
			what, name = "", "root"
		default:
			return s, false
		}
	}
	if !isAccount(account) || name == "" {
		return s, false
	}
	prefix := "arn:" + literal(partition) + ":iam::" + account + ":"
	who := []string{prefix + literal(name)}
	if what != "" {
		// The bill does not say the path.
		who = []string{prefix + what + "/" + literal(name), prefix + what + "/*/" + literal(name)}
	}
	s.Action, s.Resource = whatCalls[:], []string{"*"}
	s.Condition = map[string]map[string][]string{"ArnLike": {principalArn: who}}
	return s, true
}

// literal writes a text so that a policy takes it as it stands: *, ? and $ mean
// something there. What is no UTF-8 could be pasted nowhere.
func literal(s string) string {
	return strings.NewReplacer("$", "${$}", "*", "${*}", "?", "${?}").Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

// compareAnchors orders anchors by kind, account and value.
func compareAnchors(a, b attribution.Anchor) int {
	for _, c := range [...]int{strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Account, b.Account)} {
		if c != 0 {
			return c
		}
	}
	return strings.Compare(a.Value, b.Value)
}
