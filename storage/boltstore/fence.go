package boltstore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"github.com/spendclaim/spendclaim/storage"
)

// errPanic marks errors that were panics, so that update can tell.
var errPanic = errors.New("engine failed")

// fenced runs f and turns a panic of the engine, or a fault on a mapped page
// that is not there, into an error. It must surround every use of the engine,
// in the goroutine that uses it.
func (d *Driver) fenced(op string, f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if p := recover(); p != nil {
			c := d.corrupt("a page is damaged", restoreFile)
			c.Err = fmt.Errorf("%w at %s: %v", errPanic, op, p)
			err = c
		}
	}()
	return f()
}

// translate gives errors of the engine the names of the contract.
func translate(err error) error {
	switch {
	case errors.Is(err, bolterr.ErrDatabaseNotOpen):
		return storage.ErrClosed
	case errors.Is(err, bolterr.ErrDatabaseReadOnly):
		return storage.ErrReadOnly
	}
	return err
}

// view runs f in a read transaction. f copies what it returns: nothing of the
// transaction may be used after it.
func (d *Driver) view(ctx context.Context, f func(*bbolt.Tx) error) error {
	if d.closed.Load() {
		return storage.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return translate(d.fenced("read", func() error { return d.db.View(f) }))
}

// update runs f in a write transaction and commits it. The engine has one
// writer; waiting for it ends with ctx.
func (d *Driver) update(ctx context.Context, f func(*bbolt.Tx) error) error {
	switch {
	case d.closed.Load():
		return storage.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case d.readOnly:
		return storage.ErrReadOnly
	}
	select {
	case d.writer <- struct{}{}:
		defer func() { <-d.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err // both were ready, and select takes either
	}
	if err := d.broken.Load(); err != nil {
		return fmt.Errorf("an earlier commit failed, reopen the file: %w", *err)
	}
	var tx *bbolt.Tx
	id, committing := 0, false
	err := d.fenced("commit", func() (err error) {
		if tx, err = d.db.Begin(true); err != nil {
			return err
		}
		id = tx.ID()
		if err := f(tx); err != nil {
			_ = tx.Rollback() // it fails on a closed transaction only
			return err
		}
		committing = true
		return tx.Commit()
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, errPanic) {
		d.broken.Store(&err)
	}
	if tx != nil && tx.DB() != nil {
		// Only a panic leaves the transaction open. If undoing it fails too, its
		// locks stay taken, which Close has to know.
		_ = d.fenced("rollback", tx.Rollback)
	}
	if committing && !d.stuckTx(tx) && d.visible(id) {
		// The meta page was written and its sync failed. Whether it survives a
		// power loss nobody can say, so nothing may be built on it.
		err = fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, err)
		d.broken.Store(&err)
	}
	if tx == nil && errors.Is(err, errPanic) || d.stuckTx(tx) {
		stuck := fmt.Errorf("%w: %w", errStuck, err)
		d.broken.Store(&stuck)
	}
	return translate(err)
}

// errStuck marks a driver whose engine holds locks that nobody will free.
var errStuck = errors.New("engine is stuck")

func (d *Driver) stuck() bool {
	err := d.broken.Load()
	return err != nil && errors.Is(*err, errStuck)
}

func (d *Driver) stuckTx(tx *bbolt.Tx) bool { return tx != nil && tx.DB() != nil }

// visible reports whether the transaction id is the one in force.
func (d *Driver) visible(id int) bool {
	found := false
	err := d.fenced("read", func() error {
		return d.db.View(func(tx *bbolt.Tx) error {
			found = tx.ID() >= id
			return nil
		})
	})
	return err == nil && found
}
