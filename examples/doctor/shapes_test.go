package main

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/golden"
)

func TestMaskKeepsStructure(t *testing.T) {
	for id, want := range map[string]string{
		"": "",
		"arn:aws:bedrock-agentcore:us-east-1:820723250459:runtime/support_bot-aB3dE6gH9j":                         "arn:aws:bedrock-agentcore:us-east-1:############:runtime/<name>-<id10>",
		"arn:aws:bedrock-agentcore:eu-west-1:820723250459:runtime/x-aB3dE6gH9j/runtime-endpoint/dev":              "arn:aws:bedrock-agentcore:eu-west-1:############:runtime/<name>-<id10>/runtime-endpoint/<name>",
		"arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1":                         "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1",
		"arn:aws:bedrock:us-east-1:820723250459:agent-runtime/abc123":                                             "arn:aws:bedrock:us-east-1:############:agent-runtime/<name>",
		"arn:aws:sts::820723250459:assumed-role/SupportBot/BedrockAgentCore-7f3c91e2-0000-4000-8000-0123456789ab": "arn:aws:sts::############:assumed-role/<name>/BedrockAgentCore-<uuid>",
		"arn:aws:sts::820723250459:assumed-role/AWSReservedSSO_Admins_0123456789abcdef/jo@example.com":            "arn:aws:sts::############:assumed-role/AWSReservedSSO_<name>/<mail>",
		"arn:aws:iam::820723250459:user/BedrockAPIKey-ab12":                                                       "arn:aws:iam::############:user/BedrockAPIKey-<name>",
		"arn:aws:bedrock:us-east-1::foundation-model/acme.secret-model-v1:0":                                      "arn:aws:bedrock:us-east-1::foundation-model/<name>:#",
		"i-0123456789abcdef0": "i-<hex>",
		"my-private-bucket":   "<name>",
		"12345":               "#",
	} {
		if got := maskID(id); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", id, got, want)
		}
	}
}

// Nothing that a user chose is left: no number of four digits, and no word that is
// not AWS's.
func TestMaskLeavesNoNameAndNoNumber(t *testing.T) {
	digits := regexp.MustCompile(`[0-9]{4}`)
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`zq[a-zA-Z0-9_.+=@-]{2,20}`).Draw(t, "secret")
		number := rapid.StringMatching(`[1-9][0-9]{3,15}`).Draw(t, "number")
		form := rapid.SampledFrom([]string{
			"arn:aws:bedrock-agentcore:us-east-1:N:runtime/S-N", "arn:aws:sts::N:assumed-role/S/S", "S", "N", "S/N", "N-S", "S:S",
			"arn:aws:iam::N:user/S", "BedrockAgentCore-S", "arn:aws:s3:::S/N", "S@N", "i-N", "arn:aws:bedrock:N:S:memory/S",
		}).Draw(t, "form")
		id := strings.NewReplacer("S", secret, "N", number).Replace(form)
		got := maskID(id)
		if strings.Contains(got, "zq") {
			t.Fatalf("a name is left of %q: %q", id, got)
		}
		if digits.MatchString(got) {
			t.Fatalf("a number is left of %q: %q", id, got)
		}
		if strings.Count(got, "/")+strings.Count(got, ":") != strings.Count(id, "/")+strings.Count(id, ":") {
			t.Fatalf("the structure of %q is lost: %q", id, got)
		}
		if word := maskWord(secret + number); digits.MatchString(word) {
			t.Fatalf("a number is left in %q", word)
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"arn:aws:iam::123456789012:role/x", "a//b::c", "i-", "1234", "é:ü"} {
		f.Add(s)
	}
	digits := regexp.MustCompile(`[0-9]{4}`)
	f.Fuzz(func(t *testing.T, id string) {
		if got := maskID(id); digits.MatchString(got) {
			t.Fatalf("a number is left of %q: %q", id, got)
		}
	})
}

// Memory does not grow with what users make up.
func TestShapesAreBounded(t *testing.T) {
	s := newShapes()
	for i := range maxShapes + 500 {
		li := &cur.LineItem{ProductCode: "P", Operation: strings.Repeat("x", i+1), Resource: strings.Repeat("y", i)}
		s.add(li)
		s.add(li)
	}
	if len(s.rows) != maxShapes || len(s.ids) > maxShapes || s.Other != 2*500 {
		t.Errorf("got %d shapes, %d ids, %d rows beyond; want %d, at most %d, 1000", len(s.rows), len(s.ids), s.Other, maxShapes, maxShapes)
	}
}

func TestShapesOfTheSampleMonth(t *testing.T) {
	code, out, errs := doctor(t, "-shapes", months+"2026-05-first")
	if code != 0 {
		t.Fatalf("status %d: %s", code, errs)
	}
	golden.Equal(t, "testdata/shapes.txt", []byte(out))
	for _, secret := range []string{"820723250459", "341755902216", "finops-csbot", "support"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q is left", secret)
		}
	}
}
