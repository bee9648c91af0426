package attribution

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spendclaim/spendclaim/cur"
)

// AnchorKind is what sort of thing an anchor names.
type AnchorKind string

// The kinds of anchors.
const (
	KindRole     AnchorKind = "role"     // the ARN of an IAM role, of STS or IAM, or its name with an account
	KindUser     AnchorKind = "user"     // the ARN of an IAM user, or its name with an account
	KindResource AnchorKind = "resource" // the resource id as billed
	KindSession  AnchorKind = "session"  // a session, exact or a prefix ending in *; see Anchor
	KindProfile  AnchorKind = "profile"  // the ARN of an application inference profile
	KindTag      AnchorKind = "tag"      // family/key=value, as resourceTags/user:team=a
	KindAccount  AnchorKind = "account"  // a usage account: the default owner of usage that no other claim catches
)

// Anchor is a thing on a billing row that a claim takes hold of, as a user
// writes it. The kinds say which forms Value has.
//
// A session is one of a role's when the value says of which: as the ARN that STS
// gives it, or as role/session with an account. A bare name is a session of any
// role, and a component session id inside a resource id.
type Anchor struct {
	Kind  AnchorKind
	Value string
	// Account qualifies values that name no account: it is required for roles
	// and users given by name and for resources of AWS's own, optional for
	// resource ids that are no ARNs and for sessions. Where the value names an
	// account it must agree.
	Account string
}

// String returns the anchor for messages.
func (a Anchor) String() string {
	s := string(a.Kind) + " " + a.Value
	if a.Account != "" {
		s += " in account " + a.Account
	}
	return s
}

// Alias says that two spellings of an ARN are one resource: those of Service
// whose resource begins with Type and a slash mean those of AsService that begin
// with AsType. Aliases are data because no AgentCore row has been published yet:
// a shape that nobody foresaw needs an entry and no release.
type Alias struct {
	Service, Type     string
	AsService, AsType string
}

// DefaultAliases returns the spellings that documents print beside the ARNs of
// the service's own model.
func DefaultAliases() []Alias {
	return []Alias{
		{"bedrock", "agent-runtime", "bedrock-agentcore", "runtime"},
		{"bedrock", "memory-store", "bedrock-agentcore", "memory"},
	}
}

// form is the kind of a canonical anchor.
type form uint8

const (
	formRole form = iota + 1
	formUser
	formARN  // a resource that is an ARN
	formText // a resource that is not
	formSession
	formSessionPrefix
	formRoleSession // its name is role/session
	formRoleSessionPrefix
	formProfile
	formTag
	formAccount
)

// canon is an anchor in the one form that all its spellings share. Partitions
// are beside it: two roles agree in theirs only where both state one.
type canon struct {
	form    form
	account string // blank when name says it; for a tag, the column
	name    string
}

// usageOnly reports whether claims on anchors of this form catch usage only.
func (c canon) usageOnly() bool { return c.form == formTag || c.form == formAccount }

var errNoAccount = errors.New("account must be a 12-digit id")

// canonical checks an anchor of a claim and returns its canonical form and,
// for principals, the partition it states.
func (a Anchor) canonical(aliases []Alias) (c canon, partition string, err error) {
	if a.Kind == "" || a.Value == "" {
		return c, "", errors.New("blank kind or value")
	}
	if !utf8.ValidString(a.Value) || strings.ContainsFunc(a.Value, unicode.IsControl) {
		return c, "", fmt.Errorf("value %q holds control characters or broken UTF-8", a.Value)
	}
	if a.Account != "" && !isAccount(a.Account) {
		return c, "", fmt.Errorf("account %q: %w", a.Account, errNoAccount)
	}
	switch a.Kind {
	case KindRole, KindUser:
		return a.principal()
	case KindResource, KindProfile:
		c, err = a.resource(aliases)
	case KindSession:
		return a.session()
	case KindTag:
		c, err = a.tag()
	case KindAccount:
		c, err = canon{form: formAccount, account: a.Value}, a.agree(a.Value)
		if !isAccount(a.Value) {
			err = fmt.Errorf("value %q: %w", a.Value, errNoAccount)
		}
	default:
		err = fmt.Errorf("unknown kind %q", a.Kind)
	}
	return c, "", err
}

// agree refuses a stated account that is not the value's own.
func (a Anchor) agree(account string) error {
	if a.Account != "" && a.Account != account {
		return fmt.Errorf("account %q is not that of value %q", a.Account, a.Value)
	}
	return nil
}

func (a Anchor) principal() (c canon, partition string, err error) {
	want := formRole
	if a.Kind == KindUser {
		want = formUser
	}
	if !strings.HasPrefix(a.Value, "arn:") {
		switch {
		case strings.ContainsFunc(a.Value, func(r rune) bool { return !nameRune(r) }):
			return c, "", fmt.Errorf("value %q is neither an ARN nor the bare name of a %s", a.Value, a.Kind)
		case a.Account == "":
			return c, "", fmt.Errorf("value %q is a name: give its account, or an ARN", a.Value)
		}
		return canon{want, a.Account, permissionSet(a.Value)}, "", nil
	}
	arn, _ := ParseARN(a.Value)
	c, partition = principalOf(a.Value, a.Kind, "")
	// The root user and federated users have no IAM user; they may be claimed.
	other := arn.Service == "iam" && arn.Resource == "root" || arn.Service == "sts" && strings.HasPrefix(arn.Resource, "federated-user/")
	bad := func(r rune) bool { return !nameRune(r) }
	if c.form != want || !other && (c.name == "" || strings.ContainsFunc(c.name, bad)) {
		return c, "", fmt.Errorf("value %q is not the ARN of a %s", a.Value, a.Kind)
	}
	if !isAccount(c.account) {
		return c, "", fmt.Errorf("value %q: %w", a.Value, errNoAccount)
	}
	if _, _, ok := cur.SplitSession(a.Value); ok && want == formRole {
		return c, "", fmt.Errorf("value %q: %w", a.Value, ErrSessionGrain)
	}
	return c, partition, a.agree(c.account)
}

// nameRune reports whether names of roles and users may hold r.
func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=,.@-_", r)
}

// principalOf returns the canonical form of a principal as billed or claimed. A
// role's path and session do not matter: STS drops the one and makes the other.
// What is neither role nor user (the root user, a federated user, a service) is
// a user whose name no user can have. A bare name is of the given kind and
// account.
func principalOf(s string, kind AnchorKind, account string) (c canon, partition string) {
	a, ok := ParseARN(s)
	if !ok {
		c = canon{formUser, account, s}
		if kind == KindRole {
			c.form, c.name = formRole, permissionSet(s)
		}
		return c, ""
	}
	c = canon{form: formUser, account: a.Account}
	if c.account == "" {
		c.account = account
	}
	what, name, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Service == "sts" && what == "assumed-role":
		name, _, _ = strings.Cut(name, "/")
		c.form, c.name = formRole, permissionSet(name)
	case a.Service == "iam" && what == "role":
		c.form, c.name = formRole, permissionSet(name[strings.LastIndexByte(name, '/')+1:])
	case a.Service == "iam" && what == "user":
		c.name = name[strings.LastIndexByte(name, '/')+1:]
	default:
		c.name = ":" + a.Resource
	}
	return c, a.Partition
}

// permissionSet cuts the hash off the role of an IAM Identity Center permission
// set: AWSReservedSSO_<name>_<16 hex digits>. The hash changes when the set is
// assigned anew; name and account do not.
func permissionSet(role string) string {
	if !strings.HasPrefix(role, "AWSReservedSSO_") {
		return role
	}
	i := strings.LastIndexByte(role, '_')
	if len(role)-i-1 != 16 || i < len("AWSReservedSSO_") {
		return role
	}
	for _, r := range role[i+1:] {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return role
		}
	}
	return role[:i]
}

// profileType begins the resource part of application inference profiles.
const profileType = "application-inference-profile/"

func (a Anchor) resource(aliases []Alias) (c canon, err error) {
	arn, ok := ParseARN(a.Value)
	switch {
	case !ok && strings.HasPrefix(a.Value, "arn:"):
		return c, fmt.Errorf("value %q is not a whole ARN", a.Value)
	case !ok && a.Kind == KindProfile:
		return c, fmt.Errorf("value %q is not the ARN of an application inference profile", a.Value)
	case !ok:
		return canon{formText, a.Account, a.Value}, nil
	case arn.Service == "sts", arn.Service == "iam":
		return c, fmt.Errorf("value %q is a principal: claim it as a role or user", a.Value)
	}
	c, _ = resourceOf(a.Value, a.Account, aliases)
	switch {
	case a.Kind == KindProfile && c.form != formProfile:
		return c, fmt.Errorf("value %q is not the ARN of an application inference profile", a.Value)
	case isAccount(arn.Account):
		return c, a.agree(arn.Account)
	case a.Account == "":
		// The id is the same for every caller of AWS's own resource: without
		// the usage account the claim would take everybody's spend.
		return c, fmt.Errorf("value %q carries no account: give the usage account to claim it for", a.Value)
	}
	return c, nil
}

// resourceOf returns the canonical form of a resource id as billed in a usage
// account, and where the resource part of an ARN begins in its name. The
// partition of an ARN with a region is dropped: the region implies it, and AWS's
// own models print "aws" for resources of other partitions.
func resourceOf(id, account string, aliases []Alias) (c canon, tail int) {
	a, ok := ParseARN(id)
	if !ok {
		return canon{formText, account, id}, 0
	}
	c = canon{form: formARN, account: account, name: id}
	if isAccount(a.Account) {
		c.account = ""
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	for i := range aliases {
		if al := &aliases[i]; al.Service == a.Service && al.Type == kind {
			a.Service, a.Resource = al.AsService, al.AsType+"/"+rest
			c.name = a.String()
			break
		}
	}
	if a.Service == "bedrock" && strings.HasPrefix(a.Resource, profileType) {
		c.form = formProfile
	}
	if a.Region != "" {
		c.name = c.name[len("arn:")+len(a.Partition)+len(":"):]
	}
	return c, len(c.name) - len(a.Resource)
}

// parent cuts the last part off the resource part of a name, which begins at
// tail: an endpoint is contained in its runtime. A type and an id remain.
func parent(name string, tail int) (string, bool) {
	i := strings.LastIndexByte(name[tail:], '/')
	if i < 0 || !strings.Contains(name[tail:tail+i], "/") {
		return "", false
	}
	return name[:tail+i], true
}

func (a Anchor) tag() (c canon, err error) {
	column, value, ok := strings.Cut(a.Value, "=")
	family, key, _ := strings.Cut(column, "/")
	if !ok || family == "" || key == "" || value == "" {
		return c, fmt.Errorf("value %q is not family/key=value, as in resourceTags/user:team=a", a.Value)
	}
	if a.Account != "" {
		return c, fmt.Errorf("value %q: a tag takes no account", a.Value)
	}
	return canon{formTag, column, value}, nil
}

// column returns the column that a canonical tag is kept in.
func (c canon) column() cur.Column { return cur.Column(c.account) }
