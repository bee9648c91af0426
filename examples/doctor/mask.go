package main

import (
	"regexp"
	"strings"
)

// maskID masks the digits and names of a resource id or a principal, and keeps
// its structure: `arn:aws:bedrock-agentcore:us-east-1:############:runtime/<name>-<id10>`.
// What is left are words of the vocabulary, and words that stand for what was
// there. The word of a place that is not known is masked, never shown: a word too
// few in the vocabulary makes a shape poorer, not a secret public.
func maskID(id string) string {
	var b strings.Builder
	for i := 0; i < len(id); {
		n := strings.IndexAny(id[i:], ":/")
		if n < 0 {
			n = len(id) - i
		}
		b.WriteString(maskSegment(id[i : i+n]))
		i += n
		if i < len(id) {
			b.WriteByte(id[i])
			i++
		}
	}
	return b.String()
}

// vocabulary are the words of ids that AWS chose: partitions, services and kinds of
// resources. Source: the ARN formats of Bedrock, AgentCore and IAM in AWS's
// service authorisation reference.
var vocabulary = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(`
		arn aws aws-cn aws-us-gov aws-eusc aws-iso aws-iso-b
		bedrock bedrock-agentcore bedrock-mantle acps iam sts lambda ecs ec2 s3 cognito-idp logs dynamodb rds
		runtime runtime-endpoint agent-runtime memory memory-store code-interpreter code-interpreter-custom
		browser browser-custom browser-profile gateway target policy-engine policy policy-generation evaluator
		online-evaluation-config workload-identity-directory workload-identity token-vault
		oauth2credentialprovider apikeycredentialprovider paymentcredentialprovider registry record harness
		payment-manager capacity-provider ab-test dataset configuration-bundle recommendation session
		aws.codeinterpreter.v1 aws.browser.v1
		foundation-model inference-profile application-inference-profile provisioned-model custom-model
		imported-model guardrail guardrail-profile agent agent-alias flow knowledge-base prompt prompt-router
		model-invocation-job model-customization-job project
		role user assumed-role federated-user root group function cluster service task instance volume
		snapshot distribution table log-group bucket db`) {
		words[w] = true
	}
	return words
}()

var (
	regionShape  = regexp.MustCompile(`^(us|eu|ap|sa|ca|me|af|il|mx|cn)(-gov|-iso[a-z]?)?-(north|south|east|west|central)(east|west)?-[1-9]$`)
	uuidShape    = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	accountShape = regexp.MustCompile(`^[0-9]{12}$`)
	digitsShape  = regexp.MustCompile(`^[0-9]+$`)
	tenShape     = regexp.MustCompile(`^.*-[a-zA-Z0-9]{10}$`)
	mailShape    = regexp.MustCompile(`^[^@]+@[^@]+$`)
	hexShape     = regexp.MustCompile(`(?i)^[0-9a-f]{8,}$`)
)

// prefixes are how AWS begins some names.
var prefixes = []string{"BedrockAgentCore-", "BedrockAPIKey-", "AWSReservedSSO_", "AWSServiceRoleFor", "i-", "vol-", "snap-"}

func maskSegment(s string) string {
	switch {
	case s == "" || s == "*" || vocabulary[s] || regionShape.MatchString(s):
		return s
	case accountShape.MatchString(s):
		return "############"
	case digitsShape.MatchString(s):
		return "#"
	case uuidShape.MatchString(s):
		return "<uuid>"
	case mailShape.MatchString(s):
		return "<mail>"
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(s, p); ok && rest != "" {
			return p + maskSegment(rest)
		}
	}
	switch {
	case hexShape.MatchString(s):
		return "<hex>"
	case tenShape.MatchString(s):
		return "<name>-<id10>"
	}
	return "<name>"
}

var longDigits = regexp.MustCompile(`[0-9]{4,}`)

// maskWord masks long numbers in words that AWS chose: operations, units and usage
// types. Their short numbers are versions and sizes, such as `1K tokens`.
func maskWord(s string) string { return longDigits.ReplaceAllString(s, "#") }
