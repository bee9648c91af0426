package dynamostore

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/storage"
)

// Whatever lies in a table, an item of it is one that this package writes, or an
// error.
func FuzzItem(f *testing.F) {
	head := make([]byte, 32)
	f.Add("r/p", "s", "1", head, []byte("body"))
	f.Add("e/p\x1fs", "00000000000000000002", "2", head, []byte{})
	f.Add("e/p", "00000000000000000002", "2", head, []byte("x"))
	f.Add("r/p", "s", "-1", head[:31], []byte("body"))
	f.Add("s/layout", "s/layout", "1", []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, pk, sk, version string, head, body []byte) {
		d := &Driver{table: "t"}
		a := attributes{"pk": text(pk), "sk": text(sk), "v": &types.AttributeValueMemberN{Value: version}, "h": binary(head), "b": binary(body)}
		it, skip, err := d.decode(a)
		switch {
		case err != nil && !errors.Is(err, storage.ErrCorrupt):
			t.Errorf("got error %v, want ErrCorrupt", err)
		case err == nil && !skip:
			again, _, err := d.decode(encode(&it))
			if diff := cmp.Diff(it, again); diff != "" || err != nil {
				t.Errorf("encoded again (-want +got): %v\n%s", err, diff)
			}
		}
	})
}
