package child

import (
	"bufio"
	"encoding/gob"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
)

// Serve is the child's side of Call: it takes one request, within its limits,
// and answers it.
func Serve[Request, Reply any](in io.Reader, out io.Writer, handle func(fs.FS, Request) Reply) error {
	// Helm logs what it passes over, values included.
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))

	from := gob.NewDecoder(bufio.NewReader(in))
	var limits Limits
	if err := from.Decode(&limits); err != nil {
		return fmt.Errorf("reading the limits: %w", err)
	}
	if err := limits.apply(); err != nil {
		return fmt.Errorf("setting the limits: %w", err)
	}
	var request Request
	if err := from.Decode(&request); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	tree := &remote{to: gob.NewEncoder(out), from: from, known: map[question]answer{}}
	reply := handle(tree, request)
	if err := tree.to.Encode(message{}); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	if err := tree.to.Encode(reply); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	return nil
}
