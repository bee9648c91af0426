package dynamostore_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/storage/dynamostore"
)

type template struct {
	Resources map[string]struct {
		Type           string
		DeletionPolicy string
		Properties     json.RawMessage
	}
}

func readTemplate(t *testing.T) template {
	t.Helper()
	b, err := os.ReadFile("table.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var tmpl template
	if err := json.Unmarshal(b, &tmpl); err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// The definition for CloudFormation and the one for CreateTable are the same.
func TestTemplateIsTheTable(t *testing.T) {
	in := dynamostore.Table("x")
	want := map[string]any{}
	// Each field that is set has to be translated here, so that none is forgotten.
	v := reflect.ValueOf(*in)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || v.Field(i).IsZero() {
			continue
		}
		switch f.Name {
		case "TableName":
			want[f.Name] = map[string]any{"Ref": "TableName"}
		case "AttributeDefinitions":
			var all []any
			for _, a := range in.AttributeDefinitions {
				all = append(all, map[string]any{"AttributeName": *a.AttributeName, "AttributeType": string(a.AttributeType)})
			}
			want[f.Name] = all
		case "KeySchema":
			var all []any
			for _, k := range in.KeySchema {
				all = append(all, map[string]any{"AttributeName": *k.AttributeName, "KeyType": string(k.KeyType)})
			}
			want[f.Name] = all
		case "BillingMode":
			want[f.Name] = string(in.BillingMode)
		case "DeletionProtectionEnabled":
			want[f.Name] = aws.ToBool(in.DeletionProtectionEnabled)
		case "SSESpecification":
			want[f.Name] = map[string]any{"SSEEnabled": aws.ToBool(in.SSESpecification.Enabled)}
		default:
			t.Errorf("CreateTable's %s is not compared with the template", f.Name)
		}
	}
	want["PointInTimeRecoverySpecification"] = map[string]any{"PointInTimeRecoveryEnabled": true} // template only
	table := readTemplate(t).Resources["Table"]
	var got map[string]any
	if err := json.Unmarshal(table.Properties, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("template differs from Table (-want +got):\n%s", diff)
	}
	if table.Type != "AWS::DynamoDB::Table" || table.DeletionPolicy != "Retain" {
		t.Errorf("table: got type %q, deletion policy %q", table.Type, table.DeletionPolicy)
	}
}

type statement struct {
	Effect    string
	Action    []string
	Resource  map[string][]string
	Condition map[string]map[string][]string
}

// A call is what IAM decides about; empty fields are absent from its context.
type call struct{ action, leading, enclosing string }

// holds evaluates the condition operators that the template uses, after IAM's rules:
// ForAllValues is true and ForAnyValue false where the context has no such key.
func (s *statement) holds(t *testing.T, c call) bool {
	for op, conditions := range s.Condition {
		for name, patterns := range conditions {
			value := map[string]string{"dynamodb:LeadingKeys": c.leading, "dynamodb:EnclosingOperation": c.enclosing}[name]
			equal := slices.Contains(patterns, value)
			like := slices.ContainsFunc(patterns, func(p string) bool { // of patterns, only "prefix*" is used
				prefix, ok := strings.CutSuffix(p, "*")
				return ok && strings.HasPrefix(value, prefix)
			})
			var ok bool
			switch op {
			case "ForAnyValue:StringEquals":
				ok = value != "" && equal
			case "ForAnyValue:StringLike":
				ok = value != "" && like
			case "ForAllValues:StringEquals":
				ok = value == "" || equal
			case "ForAllValues:StringNotEquals":
				ok = value == "" || !equal
			default:
				t.Fatalf("condition operator %s is unknown to the test", op)
			}
			if !ok {
				return false
			}
		}
	}
	return true
}

func allowed(t *testing.T, policy []statement, c call) bool {
	allow := false
	for _, s := range policy {
		if slices.Contains(s.Action, "dynamodb:"+c.action) && s.holds(t, c) {
			if s.Effect == "Deny" {
				return false
			}
			allow = true
		}
	}
	return allow
}

func TestPolicies(t *testing.T) {
	policies := map[string][]statement{}
	for name, r := range readTemplate(t).Resources {
		if r.Type != "AWS::IAM::ManagedPolicy" {
			continue
		}
		var p struct {
			PolicyDocument struct{ Statement []statement }
		}
		if err := json.Unmarshal(r.Properties, &p); err != nil {
			t.Fatal(err)
		}
		for _, s := range p.PolicyDocument.Statement {
			if !slices.Equal(s.Resource["Fn::GetAtt"], []string{"Table", "Arn"}) || strings.Contains(strings.Join(s.Action, ""), "*") {
				t.Errorf("%s: got statement %+v, want the table alone and no wildcard", name, s)
			}
		}
		policies[name] = p.PolicyDocument.Statement
	}
	const in = "TransactWriteItems"
	tests := []struct {
		call
		who string // r reader, w writer, o operator
	}{
		{call{"GetItem", "r/p", ""}, "rwo"},
		{call{"Query", "e/p", ""}, "rwo"},
		{call{"Scan", "", ""}, "o"},
		{call{"ConditionCheckItem", "r/p", in}, "rw"},
		{call{"PutItem", "r/p", in}, "w"},
		{call{"PutItem", "e/p", in}, "w"}, // creates an entry; see the package's caveats
		{call{"PutItem", "s/layout", in}, "wo"},
		{call{"PutItem", "r/p", ""}, ""},
		{call{"PutItem", "e/p", ""}, ""},
		{call{"PutItem", "s/layout", ""}, ""},
		{call{"DeleteItem", "r/p", in}, "w"},
		{call{"DeleteItem", "r/p", ""}, ""},
		{call{"DeleteItem", "e/p", in}, ""},
		{call{"DeleteItem", "e/p", ""}, ""},
		{call{"UpdateItem", "r/p", in}, ""},
		{call{"UpdateItem", "e/p", in}, ""},
		{call{"UpdateItem", "e/p", ""}, ""},
		{call{"BatchWriteItem", "e/p", ""}, ""},
		{call{"PartiQLUpdate", "e/p", ""}, ""},
		{call{"PartiQLDelete", "e/p", ""}, ""},
		{call{"DeleteTable", "", ""}, ""},
		{call{"CreateBackup", "", ""}, "o"},
	}
	for _, tt := range tests {
		for name, letter := range map[string]string{"ReaderPolicy": "r", "WriterPolicy": "w", "OperatorPolicy": "o"} {
			if len(policies[name]) == 0 {
				t.Fatalf("there is no %s", name)
			}
			if got, want := allowed(t, policies[name], tt.call), strings.Contains(tt.who, letter); got != want {
				t.Errorf("%s: %s of %q within %q: got allowed %t, want %t", name, tt.action, tt.leading, tt.enclosing, got, want)
			}
		}
	}
	// With both attached, as for an import, entries still cannot be changed.
	both := slices.Concat(policies["WriterPolicy"], policies["OperatorPolicy"])
	if !allowed(t, both, call{"PutItem", "e/p", in}) || allowed(t, both, call{"DeleteItem", "e/p", in}) {
		t.Error("operator and writer together: want entries created and never deleted")
	}
}
