package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tenon/server/app"
	"tenon/server/backup"
)

type backupCommand struct {
	app.Config  `embed:""`
	RecoveryKey string `required:"" help:"File with the recovery key, 64 hexadecimal digits (openssl rand -hex 32); kept apart from the backups, for nothing else opens them." type:"existingfile"`
	File        string `arg:"" help:"File to write; it must not exist." type:"path"`
}

// Run writes the backup beside its name and gives it the name when it is whole.
func (b *backupCommand) Run(ctx context.Context, out io.Writer) error {
	key, err := recoveryKey(b.RecoveryKey)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(b.File); err == nil {
		return fmt.Errorf("%s exists", b.File)
	}
	f, err := os.CreateTemp(filepath.Dir(b.File), ".backup-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone, or renamed
	err = app.Backup(ctx, b.Config, key, f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), b.File); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(b.File))
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "backed up to %s\n", b.File)
	return err
}

func recoveryKey(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return backup.ParseKey(text)
}

type restoreCommand struct {
	app.Config  `embed:""`
	RecoveryKey string `required:"" help:"File with the recovery key that the backup was made with." type:"existingfile"`
	File        string `arg:"" help:"The backup." type:"existingfile"`
}

// Run restores into a new data folder and an empty database.
func (r *restoreCommand) Run(ctx context.Context, out io.Writer) error {
	key, err := recoveryKey(r.RecoveryKey)
	if err != nil {
		return err
	}
	f, err := os.Open(r.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := app.Restore(ctx, r.Config, key, f); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "restored; tenon verify --trust FILE holds it against a trust file that was kept outside")
	return err
}
