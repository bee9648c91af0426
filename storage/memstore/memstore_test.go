package memstore_test

import (
	"testing"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
	"github.com/spendclaim/spendclaim/storage/storagetest"
)

func open(testing.TB) storage.Driver { return memstore.New() }

func TestConformance(t *testing.T) { storagetest.Run(t, open) }
