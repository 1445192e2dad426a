package main

import (
	"context"
	"fmt"
	"io"
	"time"

	story "tenon/cmd/tenon/demo"
)

type demo struct {
	Process  string `help:"Whose case: implant, or socket (a lower-limb prosthesis)." enum:"implant,socket" default:"implant"`
	Seed     int64  `help:"Varies patient, figures, order of acts and refusals." default:"1"`
	Database string `help:"sqlite, or postgres://user:secret@host/name of an empty database." default:"sqlite"`
	Patient  string `help:"Synthea bundle whose Patient is used." type:"existingfile"`
	Images   string `help:"Folder with a DICOM series to store in place of the synthetic one." type:"existingdir"`
	Model    string `help:"STL file to use in place of the generated plate." type:"existingfile"`
	Scan     string `help:"STL file of a stump to use in place of the generated one (socket)." type:"existingfile"`
	Keep     string `help:"Folder that keeps the data of the demo." type:"path"`
}

// Run tells the story; an answer that was not expected is its error.
func (d *demo) Run(ctx context.Context, out io.Writer) error {
	report, err := story.Run(ctx, story.Options{
		Process: d.Process, Scan: d.Scan, Seed: d.Seed, Database: d.Database, Patient: d.Patient, Images: d.Images, Model: d.Model, Keep: d.Keep, Out: out,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%d stages completed, %d gates opened, %d refusals provoked, %d signatures verified, %d requests in %v\n",
		len(report.Completed), len(report.Gates), len(report.Refusals), report.Signed, report.Requests, report.Took.Round(time.Millisecond))
	return err
}
