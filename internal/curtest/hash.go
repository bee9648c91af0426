package curtest

// hash is a splitmix64 stream. It is written out here because what it draws is part of
// committed files, so it must not change with a library or a Go release.
type hash struct{ state uint64 }

func (h *hash) next() uint64 {
	h.state += 0x9e3779b97f4a7c15
	z := h.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n), 0 for n < 1. The bias of a modulus is of no matter.
func (h *hash) below(n int) int {
	if n < 1 {
		return 0
	}
	return int(h.next() % uint64(n))
}

// letters returns n characters of a short alphabet (at most 256).
func (h *hash) letters(n int, alphabet string) string {
	buf := make([]byte, n)
	for i := 0; i < n; {
		for bits, k := h.next(), 0; k < 8 && i < n; k, i = k+1, i+1 {
			buf[i] = alphabet[int(bits&0xff)%len(alphabet)]
			bits >>= 8
		}
	}
	return string(buf)
}

// uuid has the shape of a random UUID, version 4.
func (h *hash) uuid() string {
	const digits = "0123456789abcdef"
	b := []byte(h.letters(36, digits))
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	b[14] = '4'
	b[19] = "89ab"[b[19]&3]
	return string(b)
}

// newHash seeds a stream with names; the same names give the same stream.
func newHash(names ...string) *hash {
	x := uint64(0xcbf29ce484222325)
	for _, s := range names {
		for i := range len(s) {
			x = (x ^ uint64(s[i])) * 0x100000001b3
		}
		x = (x ^ 0xff) * 0x100000001b3 // so that "a","b" is not "ab"
	}
	return &hash{x}
}

// at seeds a stream with numbers, for rows: row i of a seed needs no row before it.
func at(seed uint64, salt uint64, i int64) hash {
	h := hash{seed ^ salt*0xd6e8feb86659fd93}
	h.state = h.next() + uint64(i)*0x9e3779b97f4a7c15
	h.state = h.next()
	return h
}

// Alphabets of ids that AWS makes.
const (
	base32   = "abcdefghijklmnopqrstuvwxyz234567"
	alnum    = "abcdefghijklmnopqrstuvwxyz0123456789"
	mixed    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	lineSize = 52 // characters of a line item id
)

// Stable returns n characters that are always the same for the same names: ids for
// hand-made items.
func Stable(n int, names ...string) string { return newHash(names...).letters(n, mixed) }

// StableID returns a line item id for the names.
func StableID(names ...string) string { return newHash(names...).letters(lineSize, base32) }

// StableUUID returns a UUID for the names.
func StableUUID(names ...string) string { return newHash(names...).uuid() }

// StableDigits returns n decimal digits for the names.
func StableDigits(n int, names ...string) string { return newHash(names...).letters(n, "0123456789") }
