package governance

import (
	"testing"

	"github.com/spendclaim/spendclaim/internal/golden"
)

func TestTransitionsAreDocumented(t *testing.T) {
	golden.Equal(t, "TRANSITIONS.md", Markdown(nil))
}
