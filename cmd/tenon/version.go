package main

import (
	"fmt"
	"io"
	"runtime/debug"
)

// release is the version of this source; CHANGELOG.md tells what it holds.
const release = "0.1.0"

type version struct{}

func (version) Run(out io.Writer) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " (" + s.Value + ")"
			}
		}
	}
	_, err := fmt.Fprintf(out, "tenon %s%s\n", release, revision)
	return err
}
