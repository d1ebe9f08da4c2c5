// Command bench measures what gitonly costs: beside a webhook that allows
// everything, as its index grows, and against the targets of docs/performance.md.
// It prints a table, and writes it to out/bench.json.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex/render"
)

// settings are what the command line says.
type settings struct {
	rounds int           // of each comparison
	span   time.Duration // of one side of a round
	soak   time.Duration // how long the soak is
}

// section is a group of things that are measured together.
type section struct {
	name string
	run  func(context.Context, settings, *table) error
}

// sections are all, in order.
var sections = []section{
	{"http", measureHTTP},
	{"decision", measureDecisions},
	{"index", measureIndex},
	{"memory", measureMemory},
	{"render", measureRendering},
	{"patch", measurePatches},
	{"schema", measureSchemas},
	{"soak", measureSoak},
}

func main() {
	if code, served := render.ServeChild(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); served {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 2 && os.Args[1] == "part" {
		err = part(ctx, os.Args[2], os.Args[3:])
	} else {
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "rounds", 7, "how often each comparison is made")
	flags.DurationVar(&s.span, "span", 400*time.Millisecond, "how long one side of a round lasts")
	flags.DurationVar(&s.soak, "soak", 10*time.Minute, "how long the soak lasts")
	only := flags.String("only", "", "sections, joined by commas; all if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	for _, name := range wanted {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return fmt.Errorf("-only=%s: there is no section %s", *only, name)
		}
	}
	results := &table{out: out}
	for _, section := range sections {
		if len(wanted) > 0 && !slices.Contains(wanted, section.name) {
			continue
		}
		if err := section.run(ctx, s, results); err != nil {
			return fmt.Errorf("measuring %s: %w", section.name, err)
		}
	}
	return results.save("out/bench.json")
}

// part runs what is measured in a process of its own.
func part(ctx context.Context, name string, args []string) error {
	switch name {
	case "gitonly", "always-allow":
		return serve(ctx, name == "gitonly", "")
	case "refusing":
		return serve(ctx, false, args[0])
	case "index":
		return holdIndex(ctx, args[0], args[1], args[2] == "true")
	}
	return fmt.Errorf("there is no part %s", name)
}
