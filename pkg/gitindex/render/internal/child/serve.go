package child

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"runtime/debug"
	"runtime/metrics"
)

// Serve is the child's side of a Process: it takes requests, each within its
// limits, and answers them, until there are no more.
func Serve[Request, Reply any](in io.Reader, out io.Writer, handle func(fs.FS, Request) Reply) error {
	// Helm logs what it passes over, values included.
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))

	from, to := gob.NewDecoder(bufio.NewReader(in)), newSender(out)
	var limits Limits
	if err := from.Decode(&limits); err != nil {
		return fmt.Errorf("reading the limits: %w", err)
	}
	// Memory is there to be used: the collector works harder before it ends.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(limits.Memory * 3 / 4)
	bounds, err := limits.apply()
	if err != nil {
		return fmt.Errorf("setting the limits: %w", err)
	}
	for {
		var ahead []foreseen
		if err := from.Decode(&ahead); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the request: %w", err)
		}
		var request Request
		if err := from.Decode(&request); err != nil {
			return fmt.Errorf("reading the request: %w", err)
		}
		if err := bounds.renew(); err != nil {
			return fmt.Errorf("setting the limits: %w", err)
		}
		tree := newRemote(to, from, ahead)
		reply := handle(tree, request)
		used := bounds.used()
		worn := used > limits.CPU || held() > limits.Memory/2
		if err := to.add(message{Foreseen: tree.used, Used: used, Worn: worn}); err != nil {
			return fmt.Errorf("answering: %w", err)
		}
		if err := to.send(reply); err != nil {
			return fmt.Errorf("answering: %w", err)
		}
	}
}

// held is how much memory the process has from the system, in bytes.
func held() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
