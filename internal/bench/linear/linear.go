// Package linear checks that reads and conditional writes of one record, made by
// several clients at once, are linearizable: there is one order of them all, in which
// each takes effect between its call and its return, and which explains every answer.
//
// It is no claim about several records. Commits over many keys are promised, and
// checked, as atomic; on DynamoDB ranges are a page at a time.
package linear

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/spendclaim/spendclaim/storage"
)

// An input is one call: a read, or a write of value that names the version seen.
type input struct {
	key   int
	write bool
	prev  uint64
	value uint64
}

// An output is its answer.
type output struct {
	version uint64
	value   uint64
	refused bool // a conflict; version is the one found
	unknown bool
}

// state is what a record holds. Version 0: there is none.
type state struct{ version, value uint64 }

// model is a register with versions, by key.
var model = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[int][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(input).key
			byKey[k] = append(byKey[k], o)
		}
		var out [][]porcupine.Operation
		for _, part := range byKey {
			out = append(out, part)
		}
		return out
	},
	Init:  func() []any { return []any{state{}} },
	Equal: func(a, b any) bool { return a == b },
	Step: func(s, in, out any) []any {
		now, i, o := s.(state), in.(input), out.(output)
		next := state{i.prev + 1, i.value}
		switch {
		case !i.write && o.unknown:
			return []any{now}
		case !i.write:
			if o.version == now.version && (o.version == 0 || o.value == now.value) {
				return []any{now}
			}
		case o.unknown && i.prev == now.version:
			return []any{now, next}
		case o.unknown:
			return []any{now}
		case o.refused:
			if i.prev != now.version && o.version == now.version {
				return []any{now}
			}
		case i.prev == now.version:
			return []any{next}
		}
		return nil
	},
}

// Options say how large a history is.
type Options struct{ Clients, Calls, Keys int }

// Check has clients work on records of a partition of d, which no one else uses, and
// reports whether the history is linearizable.
func Check(ctx context.Context, d storage.Driver, partition string, seed uint64, o Options) (bool, error) {
	var mu sync.Mutex
	var history []porcupine.Operation
	var failure error
	began := time.Now()
	var wg sync.WaitGroup
	for c := range o.Clients {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(c)))
			seen := make([]storage.Stamp, o.Keys)
			for range o.Calls {
				in := input{key: rnd.IntN(o.Keys), write: rnd.IntN(2) == 0, value: rnd.Uint64()}
				k := storage.Key{Partition: partition, Sort: fmt.Sprint(in.key)}
				in.prev = seen[in.key].Version
				call := time.Since(began).Nanoseconds()
				out, stamp, err := do(ctx, d, k, in, seen[in.key])
				op := porcupine.Operation{ClientId: c, Input: in, Call: call, Output: out, Return: time.Since(began).Nanoseconds()}
				if out.unknown {
					op.Return = time.Hour.Nanoseconds() // it may take effect at any later time
				}
				seen[in.key] = stamp
				mu.Lock()
				history = append(history, op)
				failure = errors.Join(failure, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if failure != nil {
		return false, failure
	}
	return porcupine.CheckOperations(model.ToModel(), history), nil
}

// do makes one call and returns its answer, and the stamp that the client knows now.
func do(ctx context.Context, d storage.Driver, k storage.Key, in input, seen storage.Stamp) (output, storage.Stamp, error) {
	if !in.write {
		it, err := d.Get(ctx, k)
		if errors.Is(err, storage.ErrNotFound) {
			return output{}, storage.Stamp{}, nil
		}
		if err != nil {
			return output{unknown: true}, seen, err
		}
		var value uint64
		_, err = fmt.Sscan(string(it.Body), &value)
		return output{version: it.Stamp.Version, value: value}, it.Stamp, err
	}
	next := storage.Stamp{Version: seen.Version + 1}
	copy(next.Head[:], fmt.Sprint(in.value))
	w := storage.Write{Key: k, Prev: seen, Next: next, Record: fmt.Append(nil, in.value)}
	err := d.Commit(ctx, &storage.WriteBatch{Writes: []storage.Write{w}})
	var c *storage.ConflictError
	switch {
	case err == nil:
		return output{version: next.Version}, next, nil
	case errors.As(err, &c) && !errors.Is(err, storage.ErrUnknownOutcome):
		return output{version: c.Got.Version, refused: true}, c.Got, nil
	case errors.Is(err, storage.ErrUnavailable), errors.Is(err, storage.ErrUnknownOutcome):
		return output{unknown: true}, seen, nil
	}
	return output{unknown: true}, seen, err
}
