package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// region is a part of this process's addresses.
type region struct{ from, to uintptr }

// unmapProgram lets go of the pages of the program's file. They are in the file
// as they were in memory.
func unmapProgram() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the program's file: %w", err)
	}
	memory, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("finding the program in memory: %w", err)
	}
	defer memory.Close()
	regions, err := unchanged(memory, program)
	if err != nil {
		return fmt.Errorf("finding the program in memory: %w", err)
	}
	var errs []error
	for _, r := range regions {
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, r.from, r.to-r.from, syscall.MADV_DONTNEED); errno != 0 {
			errs = append(errs, fmt.Errorf("unmapping the program's file: %w", errno))
		}
	}
	return errors.Join(errs...)
}

// unchanged are the regions of a file that can't be written to and never were,
// by proc_pid_smaps(5). A dynamic linker writes to some before it protects them.
func unchanged(smaps io.Reader, file string) ([]region, error) {
	var all []region
	var r region
	var ours bool
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Text()
		var next region
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &next.from, &next.to, &mode); n == 3 {
			r, ours = next, strings.HasSuffix(line, " "+file) && (mode == "r-xp" || mode == "r--p")
			continue
		}
		if name, value, _ := strings.Cut(line, ":"); name == "Anonymous" && ours && strings.TrimSpace(value) == "0 kB" {
			all = append(all, r)
		}
	}
	return all, lines.Err()
}
