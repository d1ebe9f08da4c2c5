package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// teller prints the story: what happens, the command, and what it prints.
type teller struct {
	out      io.Writer
	terminal bool
}

func newTeller(out io.Writer, terminal bool) *teller { return &teller{out: out, terminal: terminal} }

func (t *teller) style(code, text string) string {
	if !t.terminal {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// chapter says what comes next.
func (t *teller) chapter(text string) {
	fmt.Fprintf(t.out, "\n%s\n", t.style("1", "# "+text))
}

// step is a command that someone runs, and what must come of it.
type step struct {
	who     string // before the prompt
	command string // as shown
	cmd     *exec.Cmd
	fails   bool   // it must fail; else it must not
	prints  string // what it prints must match this expression
}

// run shows and runs a step. The error says what was expected.
func (t *teller) run(s step) error {
	fmt.Fprintf(t.out, "%s %s\n", t.style("36", s.who+"$"), s.command)
	printed, err := s.cmd.CombinedOutput()
	fmt.Fprint(t.out, indent(string(printed)))
	return s.check(printed, err)
}

func (s *step) check(printed []byte, err error) error {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("running %q: %w", s.command, err)
	}
	if s.fails != (err != nil) {
		return fmt.Errorf("%q should fail: %t, and did: %t\n%s", s.command, s.fails, err != nil, printed)
	}
	if !regexp.MustCompile(s.prints).Match(printed) {
		return fmt.Errorf("%q should print %q, and printed:\n%s", s.command, s.prints, printed)
	}
	return nil
}

// patience bounds every wait of the demo.
const patience = 3 * time.Minute

// until repeats a command, unseen, until it does what the step says.
func (t *teller) until(ctx context.Context, make func() step) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(context.Context) (bool, error) {
		s := make()
		printed, err := s.cmd.CombinedOutput()
		last = s.check(printed, err)
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

func indent(text string) string {
	var b bytes.Buffer
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}
