package attribution

import (
	"strings"
	"unicode"
)

// NameWords cuts a name into lower-case words: at anything but letters and digits, and
// where a capital follows a small letter. It serves those who compare the names of
// resources, roles and workloads for what they have in common.
func NameWords(name string) []string {
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	small := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			small = false
			continue
		case unicode.IsUpper(r) && small:
			flush()
		}
		small = unicode.IsLower(r)
		word.WriteRune(unicode.ToLower(r))
	}
	flush()
	return out
}
