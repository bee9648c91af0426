package pricing

import (
	"iter"
	"strings"
)

// tokens reads what kind of model tokens a usage type counts, and how they are
// priced, or [ModelOther] if it counts something else. Five spellings are in use
// at once:
//
//	Model-input-tokens-batch-cross-region-global
//	vendor.model-mantle-cache-write-tokens-1h-global-standard
//	CacheWrite1hInputTokenCount_LCtx_Global-Units
//	cache_write_tokens_1h_long_ctx_standard-Units
//	cached_input_tokens_priority
//
// All of them say the kind in words next to the word "token", behind the model
// and before tier and routing. So the words are read and not the punctuation, and
// the last "token" counts, because a model may be called anything.
func tokens(s, unit string) Class {
	none := Class{Component: ModelOther}
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
			return none // capacity or customization, whatever it is counted in
		}
		w = append(w, word)
	}
	if at < 0 || strings.Contains(unit, "TPM") {
		return none
	}
	c := Class{Component: ModelOther, Confidence: FullyRead}
	first, modality := 0, plainModality // first: where the words of the kind begin
	if cache >= 0 {
		// Specific before general: a cached token is never a plain input token,
		// and an unreadable cache meter is better unpriced than mispriced.
		c.Component, first = cacheTokens(w[cache:]), cache
	} else {
		kind := at - 1
		for kind >= 0 && modalityOf(w[kind]) != plainModality {
			modality = modalityOf(w[kind]) // input-audio-tokens: the modality stands between
			kind--
		}
		if kind < 0 {
			return none
		}
		switch first = kind; {
		case isOneOf(w[kind], "input"):
			c.Component = ModelInput
		case isOneOf(w[kind], "output"):
			c.Component = ModelOutput
		}
	}
	if c.Component == ModelOther {
		return none
	}
	if cache > at { // "…-input-tokens-cache-read": the model ends before all of it
		for first = at; first > 0 && (isOneOf(w[first-1], "input", "output")); first-- {
		}
	}
	c.readManner(s, w, first, max(at, cache), modality)
	return c
}

// readManner reads what stands before and behind the words of the kind: the model
// and then endpoint and modality before it, tier, routing and context on either
// side.
func (c *Class) readManner(s string, w []string, first, last, modality int) {
	mantle := false
	model := first // words before this one name the model
	for ; model > 0; model-- {
		word := w[model-1]
		if m := modalityOf(word); m != plainModality {
			modality = m
		} else if isOneOf(word, "mantle") {
			mantle = true
		} else if !c.readTail(word) {
			break
		}
	}
	if model > 0 {
		// Words are parts of s, in order, so the last word's end is found by
		// looking for it behind the others: no word is blank.
		end := 0
		for _, word := range w[:model] {
			end += strings.Index(s[end:], word) + len(word)
		}
		c.Model = strings.TrimLeft(s[:end], "-_.:/ ")
	}
	for _, word := range w[last+1:] {
		if m := modalityOf(word); m != plainModality {
			modality = m
		} else if !c.readTail(word) && !lifetime(word) && !isOneOf(word, "count", "units", "input", "token", "tokens") {
			c.Confidence = PartlyRead
		}
	}
	c.Variant = variantOf(mantle, modality)
}

// readTail reads a word of tier, routing or context, and reports whether it was
// one.
func (c *Class) readTail(word string) bool {
	switch {
	case isOneOf(word, "standard", "regional", "cross", "optimized", "optimised", "ctx"):
		// Plain, or the second half of what the word beside it says.
		if isOneOf(word, "cross") && c.Routing == Regional {
			c.Routing = Geo // cross-region; "global" behind it says more
		}
	case isOneOf(word, "batch"):
		c.Tier = Batch
	case isOneOf(word, "flex"):
		c.Tier = Flex
	case isOneOf(word, "priority"):
		c.Tier = Priority
	case isOneOf(word, "latency"):
		c.Tier = LatencyOptimized
	case isOneOf(word, "global"):
		c.Routing = Global
	case isOneOf(word, "geo"):
		c.Routing = Geo
	case isOneOf(word, "region"):
		// of cross-region
	case isOneOf(word, "long", "lctx"):
		c.LongContext = true
	default:
		return false
	}
	return true
}

// otherModelMeter keeps the words of a model product's meter that counts no
// tokens of a known kind. Tier and routing are told where capacity is sold.
func otherModelMeter(s string) Class {
	c := Class{Component: ModelOther, Variant: s, Confidence: PartlyRead}
	tier := OnDemand
	for word := range words(s) {
		switch {
		case isOneOf(word, "reserved"):
			tier = Reserved
		case isOneOf(word, "provisioned"):
			tier = Provisioned
		default:
			c.readTail(word)
		}
	}
	if tier != OnDemand {
		c.Tier = tier
	}
	return c
}

// The modalities that tokens may be of, by index; tokens of no stated one are
// plain.
const (
	plainModality = 0
	modalityCount = 6
)

func modalities() [modalityCount]string {
	return [...]string{"", "text", "speech", "audio", "image", "video"}
}

// variantOf names endpoint and modality together. The names are constants, so
// that reading a row allocates nothing.
func variantOf(mantle bool, modality int) string {
	if !mantle {
		return modalities()[modality]
	}
	return [modalityCount]string{"mantle", "mantle text", "mantle speech", "mantle audio", "mantle image", "mantle video"}[modality]
}

// modalityOf returns the index of a word in modalities.
func modalityOf(word string) int {
	for i, m := range modalities() {
		if isOneOf(word, m) {
			return i // no word is blank, so never the plain one
		}
	}
	return plainModality
}

// lifetime reports whether a word is one of a cache entry's lifetime, "1h".
func lifetime(word string) bool { return word[0] >= '0' && word[0] <= '9' }

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
		if !lifetime(word) {
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
		if len(w) == len(o) && strings.EqualFold(w, o) { // most differ in length
			return true
		}
	}
	return false
}
