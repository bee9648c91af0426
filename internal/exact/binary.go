package exact

import (
	"encoding/binary"
	"errors"
	"math/big"
)

// ErrEncoding means that bytes are not the canonical encoding of a number.
var ErrEncoding = errors.New("exact: not a canonical number encoding")

// maxCoefficient bounds the coefficient that is read back, in bytes. No sum of
// parsed numbers comes near it.
const maxCoefficient = 1024

// AppendBinary appends the canonical encoding of n to b. Equal numbers encode
// to equal bytes, and no encoding is a prefix of another, so that encodings
// can follow one another without separators:
//
//	0          one zero byte
//	otherwise  uvarint(length<<1 | negative), scale, coefficient
//
// where the number is ±coefficient × 10^-scale, the scale is one byte and the
// least possible, and the coefficient is length big-endian bytes without
// leading zeros. A typical cost takes five to seven bytes.
func (n Num) AppendBinary(b []byte) []byte {
	if n.wide != nil {
		c := n.wide.c.Bytes()
		return append(appendHeader(b, len(c), n.Sign() < 0, n.wide.scale), c...)
	}
	neg, m := n.split()
	if m == (uint128{}) {
		return append(b, 0)
	}
	m, s := m.stripZeros(scale)
	var c [16]byte
	binary.BigEndian.PutUint64(c[:8], m.hi)
	binary.BigEndian.PutUint64(c[8:], m.lo)
	skip := 0
	for c[skip] == 0 {
		skip++
	}
	return append(appendHeader(b, len(c)-skip, neg, s), c[skip:]...)
}

func appendHeader(b []byte, length int, neg bool, s int) []byte {
	head := uint64(length) << 1
	if neg {
		head |= 1
	}
	return append(binary.AppendUvarint(b, head), byte(s))
}

// DecodeBinary reads one number from the front of b and returns what follows
// it. Anything that [Num.AppendBinary] would not have written is ErrEncoding.
func DecodeBinary(b []byte) (n Num, rest []byte, err error) {
	head, size := binary.Uvarint(b)
	if size <= 0 || size > 1 && b[size-1] == 0 { // cut short, or a padded uvarint
		return Num{}, nil, ErrEncoding
	}
	b = b[size:]
	if head == 0 {
		return Num{}, b, nil
	}
	neg, length := head&1 == 1, head>>1
	if length == 0 || length > maxCoefficient || uint64(len(b)) <= length {
		return Num{}, nil, ErrEncoding
	}
	s, c, rest := int(b[0]), b[1:1+length], b[1+length:]
	if s > maxScale || c[0] == 0 {
		return Num{}, nil, ErrEncoding
	}
	if n, ok := decodeNarrow(neg, c, s); ok {
		return n, rest, nil
	}
	v := new(big.Int).SetBytes(c)
	if s > 0 && new(big.Int).Rem(v, bigTen).Sign() == 0 {
		return Num{}, nil, ErrEncoding // a smaller scale would have done
	}
	if neg {
		v.Neg(v)
	}
	return canonical(v, s), rest, nil
}

// decodeNarrow decodes without allocating what is plainly narrow and minimal;
// anything else is left to the long way.
func decodeNarrow(neg bool, c []byte, s int) (Num, bool) {
	if len(c) > 16 || s > scale {
		return Num{}, false
	}
	var m uint128
	for _, x := range c {
		m = uint128{m.hi<<8 | m.lo>>56, m.lo<<8 | uint64(x)}
	}
	if _, r := m.divmod(10); s > 0 && r == 0 {
		return Num{}, false
	}
	factor := pow10[scale-s]
	// A 64-bit coefficient times at most 10^18 stays below 2^124.
	if m.hi != 0 {
		limit, _ := (uint128{1<<63 - 1, 1<<64 - 1}).divmod(factor.lo)
		if m.hi > limit.hi || m.hi == limit.hi && m.lo > limit.lo {
			return Num{}, false
		}
	}
	return narrow(neg, m.mul(factor))
}
