package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/pkg/gitindex"
)

func renderCommand() *cobra.Command {
	var from offline
	var output string
	cmd := &cobra.Command{
		Use:   "render --config DIR",
		Short: "Print what Git declares, as gitonly sees it",
		Long: "Print every object that the sources declare, each with where it comes from.\n" +
			"What can't be rendered is said on standard error; the exit status is then 1.",
		Example: "  kubectl gitonly render --config ./gitonly\n" +
			"  kubectl gitonly render --config ./gitonly --output json | jq -r .metadata.name",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			printed, ok := map[string]func(io.Writer, *gitindex.Declared) error{"yaml": printYAML, "json": printJSON}[output]
			if !ok {
				return fmt.Errorf("--output=%s: it is yaml or json", output)
			}
			c, _, err := from.read(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			snapshot, _, err := from.load(cmd.Context(), c, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			for _, declared := range snapshot.All() {
				if err := printed(cmd.OutOrStdout(), declared); err != nil {
					return err
				}
			}
			return faults(snapshot)
		},
	}
	from.bind(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "yaml", "yaml, or json: one object a line")
	return cmd
}

func printYAML(w io.Writer, d *gitindex.Declared) error {
	text, err := yaml.JSONToYAML(d.Presentable())
	if err != nil {
		return fmt.Errorf("printing %s: %w", d.Key, err)
	}
	_, err = fmt.Fprintf(w, "---\n%s%s", originComment(d), text)
	return err
}

// originComment says where an object and its fields are declared.
func originComment(d *gitindex.Declared) string {
	o := &d.Origin
	comment := fmt.Sprintf("# source %s, %s at %s\n# %s\n", o.Source, o.Path, o.Revision.Short(), place(o.File, o.Line))
	for _, field := range o.Fields {
		comment += fmt.Sprintf("# %s: %s\n", place(field.File, field.Line), field.Path)
	}
	return comment
}

func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

func printJSON(w io.Writer, d *gitindex.Declared) error {
	if !json.Valid(d.Presentable()) {
		return fmt.Errorf("printing %s: it is no JSON", d.Key)
	}
	_, err := fmt.Fprintf(w, "%s\n", d.Presentable())
	return err
}
