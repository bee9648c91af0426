package colscan

import "strconv"

// Names of what the format numbers, for error texts: who meets one should not have to
// look it up.
var (
	codecNames    = [...]string{"none", "Snappy", "Gzip", "LZO", "Brotli", "LZ4", "Zstd", "LZ4_RAW"}
	encodingNames = [...]string{"PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
		"DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"}
)

func codecName(n int32) string    { return nameOf(codecNames[:], n) }
func encodingName(n int32) string { return nameOf(encodingNames[:], n) }

func nameOf(names []string, n int32) string {
	if n >= 0 && int(n) < len(names) {
		return names[n]
	}
	return strconv.Itoa(int(n))
}
