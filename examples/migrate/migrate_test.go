package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/spendclaim/spendclaim/internal/dynamotest"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// env stands in for the environment, which only counts for a server that is given.
func env(name string) string {
	if v := os.Getenv(name); v != "" && dynamotest.Given() {
		return v
	}
	return map[string]string{"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}[name]
}

// books makes a file with histories, receipts and a part of several chunks.
func books(t *testing.T, path string) {
	t.Helper()
	d, err := boltstore.Open(path, &boltstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	s := storage.New(d, nil)
	for i := range 120 {
		k := storage.Key{Partition: fmt.Sprint("books/", i%7), Sort: fmt.Sprintf("2026-%02d/é", i%12)}
		_, err := s.Update(t.Context(), storage.Request{ID: fmt.Sprint("command ", i)}, func(tx *storage.Tx) error {
			if _, err := tx.Get(k); err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			tx.Put(storage.Put{Key: k, Kind: "head", Schema: 1, Data: fmt.Append(nil, "generation ", i), Entry: fmt.Append(nil, "booked ", i)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.WritePart(t.Context(), storage.Key{Partition: "parts", Sort: "x"}, "chunk", 1, strings.NewReader(strings.Repeat("0123456789", 200_000))); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func export(t *testing.T, path string) []byte {
	t.Helper()
	d, err := boltstore.Open(path, &boltstore.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	s := storage.New(d, nil)
	defer s.Close()
	var b bytes.Buffer
	if _, err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// From a file to a table and back: the export is the same to the byte.
func TestThereAndBack(t *testing.T) {
	endpoint := dynamotest.Endpoint(t)
	dir := t.TempDir()
	here, back, checkpoint := filepath.Join(dir, "here.db"), filepath.Join(dir, "back.db"), filepath.Join(dir, "heads")
	table := fmt.Sprintf("spendclaim-test-migrate-%d", time.Now().UnixNano())
	books(t, here)
	t.Cleanup(func() {
		// Tables are made protected.
		client, err := connect(&options{endpoint: endpoint, env: env})
		if err != nil {
			t.Fatal(err)
		}
		off := false
		_, err = client.UpdateTable(context.Background(), &dynamodb.UpdateTableInput{TableName: &table, DeletionProtectionEnabled: &off})
		if err == nil {
			_, err = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table})
		}
		if err != nil {
			t.Error(err)
		}
	})
	for _, args := range [][]string{
		{"-from", here, "-to", "dynamodb:" + table, "-create"},
		{"-from", here, "-to", "dynamodb:" + table, "-resume"}, // changes nothing
		{"-from", "dynamodb:" + table, "-to", back, "-checkpoint", checkpoint},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), append(args, "-endpoint", endpoint), &out, env); err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if !strings.Contains(out.String(), "byte for byte") {
			t.Errorf("%q: got %q", args, out.String())
		}
		t.Log(strings.Split(out.String(), "\n")[0])
	}
	if !bytes.Equal(export(t, here), export(t, back)) {
		t.Error("exports of the first and the last file differ")
	}
	text, err := os.ReadFile(checkpoint)
	var heads storage.Checkpoint
	if err == nil {
		err = heads.UnmarshalText(text)
	}
	if err != nil || heads.Len() == 0 {
		t.Errorf("checkpoint: %d heads, %v", heads.Len(), err)
	}
	// Neither side is written over.
	err = run(t.Context(), []string{"-from", here, "-to", "dynamodb:" + table, "-endpoint", endpoint}, new(bytes.Buffer), env)
	if !errors.Is(err, storage.ErrConflict) {
		t.Errorf("migration into a table that is not empty: got error %v, want ErrConflict", err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	books(t, a)
	tests := []struct {
		name string
		args []string
		env  func(string) string
		want string
	}{
		{"no target", []string{"-from", a}, env, "-from and -to"},
		{"unknown flag", []string{"-what"}, env, "not defined"},
		{"no such file", []string{"-from", filepath.Join(dir, "none.db"), "-to", b}, env, "none.db"},
		{"no credentials", []string{"-from", a, "-to", "dynamodb:x"}, func(string) string { return "" }, "AWS_REGION"},
		{"itself", []string{"-from", a, "-to", a}, env, "a.db"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := run(t.Context(), tt.args, new(bytes.Buffer), tt.env)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := os.Stat(b); err == nil {
		t.Error("a target was made though there was no source")
	}
	if err := run(t.Context(), []string{"-from", a, "-to", b}, new(bytes.Buffer), env); err != nil {
		t.Errorf("file to file: %v", err)
	}
}
