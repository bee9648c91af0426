package pricing

import (
	"iter"
	"strings"
)

// tokens reads what kind of model tokens a usage type counts, or [ModelOther] if
// it counts something else. Five spellings are in use at once:
//
//	Model-input-tokens-batch-cross-region-global
//	vendor.model-mantle-cache-write-tokens-1h-global-standard
//	CacheWrite1hInputTokenCount_LCtx_Global-Units
//	cache_write_tokens_1h_long_ctx_standard-Units
//	cached_input_tokens_priority
//
// All of them say the kind in words next to the word "token", behind the model
// and before tier and routing, which do not change the component. So the words
// are read and not the punctuation, and the last "token" counts, because a model
// may be called anything.
func tokens(s, unit string) Component {
	var buf [24]string // longer than any usage type seen, so that nothing is allocated
	w := buf[:0]
	at, cache := -1, -1
	for word := range words(s) {
		switch {
		case isOneOf(word, "token", "tokens"):
			at = len(w)
		case isOneOf(word, "cache", "cached"):
			cache = len(w)
		case isOneOf(word, "tpm", "reserved", "provisioned", "training"):
			return ModelOther // capacity or customization, whatever it is counted in
		}
		w = append(w, word)
	}
	if at < 0 || strings.Contains(unit, "TPM") {
		return ModelOther
	}
	if cache >= 0 {
		// Specific before general: a cached token is never a plain input token,
		// and an unreadable cache meter is better unpriced than mispriced.
		return cacheTokens(w[cache:])
	}
	kind := at - 1
	for kind >= 0 && isOneOf(w[kind], "text", "speech", "audio", "image", "video") {
		kind-- // input-audio-tokens: the modality stands between
	}
	switch {
	case kind < 0:
		return ModelOther
	case isOneOf(w[kind], "input"):
		return ModelInput
	case isOneOf(w[kind], "output"):
		return ModelOutput
	}
	return ModelOther
}

// cacheTokens reads the words from "cache" on. A lifetime may stand before or
// behind the word "token"; without one it is the default of five minutes. Every
// word that begins with a digit is taken for a lifetime: one that is neither 5m
// nor 1h (30m exists) has a price of its own and no component yet.
func cacheTokens(w []string) Component {
	if len(w) < 2 {
		return ModelOther
	}
	switch {
	case isOneOf(w[1], "read", "reads"), isOneOf(w[0], "cached") && isOneOf(w[1], "input"):
		return ModelCacheRead
	case !isOneOf(w[1], "write", "writes"):
		return ModelOther
	}
	written := ModelCacheWrite5m
	for _, word := range w[2:] {
		if word[0] < '0' || word[0] > '9' {
			continue
		}
		switch {
		case isOneOf(word, "1h"):
			written = ModelCacheWrite1h
		case !isOneOf(word, "5m"):
			return ModelOther
		}
	}
	return written
}

// words yields the words of a usage type: runs of ASCII letters and digits, cut
// again where a capital follows a small letter or a digit, and where a digit
// follows a letter. So "CacheWrite1hInputTokenCount" is Cache Write 1h Input
// Token Count. No word is blank.
func words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i := range len(s) {
			switch {
			case kindOf(s[i]) == other:
				if start < i && !yield(s[start:i]) {
					return
				}
				start = i + 1
			case start < i && cutBetween(kindOf(s[i-1]), kindOf(s[i])):
				if !yield(s[start:i]) {
					return
				}
				start = i
			}
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}

// charKind is as much of a character's class as word boundaries depend on.
type charKind uint8

const (
	other charKind = iota
	small
	capital
	digit
)

func kindOf(b byte) charKind {
	switch {
	case 'a' <= b && b <= 'z':
		return small
	case 'A' <= b && b <= 'Z':
		return capital
	case '0' <= b && b <= '9':
		return digit
	}
	return other
}

func cutBetween(left, right charKind) bool {
	return right == capital && left != capital || right == digit && left != digit
}

// hasWord reports whether word is one of the words of s.
func hasWord(s, word string) bool {
	for w := range words(s) {
		if isOneOf(w, word) {
			return true
		}
	}
	return false
}

// isOneOf reports whether w is one of some small-letter words, in any case.
func isOneOf(w string, of ...string) bool {
	for _, o := range of {
		if strings.EqualFold(w, o) {
			return true
		}
	}
	return false
}
