package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tenon/dicomweb/deidentify"
)

// deidentifyCommand works on files alone; it opens no server.
type deidentifyCommand struct {
	Key    string   `required:"" help:"File with the secret (32 bytes or more) that replacements come from; who holds it can tell patients apart and undo the shift of dates." type:"existingfile"`
	Out    string   `required:"" help:"Folder for the results, each named by its new SOP Instance UID." type:"path"`
	Retain []string `help:"Options of the profile: full-dates, modified-dates, uids, device, patient, institution." enum:"full-dates,modified-dates,uids,device,patient,institution"`
	Files  []string `arg:"" help:"DICOM files." type:"existingfile"`
}

// Run writes one line a file: result, counts, and what a person must look at.
func (c *deidentifyCommand) Run(_ context.Context, out io.Writer) error {
	key, err := os.ReadFile(c.Key)
	if err != nil {
		return err
	}
	o := deidentify.Options{Key: key}
	for _, r := range c.Retain {
		o.Retain |= deidentify.Names[r]
	}
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return err
	}
	for _, name := range c.Files {
		r, err := c.one(name, o)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := fmt.Fprintf(out, "%s.dcm\t%s\tremoved %d, emptied %d, replaced %d, shifted %d\t%s\n", r.Instance, r.Pseudonym,
			r.Removed, r.Emptied, r.Replaced, r.Shifted, strings.Join(r.Risks, "; ")); err != nil {
			return err
		}
	}
	return nil
}

// one writes one file whole, or not at all.
func (c *deidentifyCommand) one(name string, o deidentify.Options) (*deidentify.Report, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f, err := os.CreateTemp(c.Out, ".deidentify-*")
	if err != nil {
		return nil, err
	}
	r, err := deidentify.Apply(f, in, o)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	if r.Instance == "" || strings.ContainsAny(r.Instance, `/\`) {
		r.Instance = "x" + base64.RawURLEncoding.EncodeToString([]byte(filepath.Base(f.Name())))
	}
	return r, os.Rename(f.Name(), filepath.Join(c.Out, r.Instance+".dcm"))
}
