package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"tenon/server/app"
)

// keysCommand cares for the keys that the files are sealed by.
type keysCommand struct {
	Rotate keysRotate `cmd:"" help:"Give the files new keys beside running servers, and drop the old ones once nothing needs them. Broken off, it goes on when called again."`
}

type keysRotate struct {
	app.Config `embed:""`
	Wait       time.Duration `help:"How long to wait for the servers that run." default:"10m"`
}

// Run rotates and says which keys are in force.
func (k *keysRotate) Run(ctx context.Context, out io.Writer) error {
	keys, err := app.RotateKeys(ctx, k.Config, k.Wait)
	if err != nil {
		return err
	}
	for _, name := range []string{"blobs", "jobs"} {
		fmt.Fprintf(out, "%s: key %d seals everything; no other is left\n", name, keys[name][len(keys[name])-1])
	}
	_, err = fmt.Fprintln(out, "back up data/blobs/*/tenant.key and data/jobs/*/tenant.key anew")
	return err
}
