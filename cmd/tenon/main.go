// Command tenon is the one binary: it serves, shows, verifies and maintains.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands are the subcommands; each is a file of this folder.
type commands struct {
	Serve     serve            `cmd:"" help:"Serve FHIR, DICOMweb and the adapters."`
	Demo      demo             `cmd:"" help:"Show a whole case on a server of its own, from consent to follow-up."`
	Reconcile reconcileCommand `cmd:"" help:"Compare a replica (the files of a bulk export) with what a server would export: difference 0 is the proof."`
	Import    importCommand    `cmd:"" help:"Import resources from NDJSON, JSON and Bundles, plain or in gzip."`
	Verify    verify           `cmd:"" help:"Verify a dossier, or a database and its files, against a trust file."`
	Trust     trust            `cmd:"" help:"Write the trust file: keys and newest checkpoint, to be kept outside the server."`
	Check     check            `cmd:"" help:"Compare index, membership and counts with the record they derive from."`
	Migrate   migrate          `cmd:"" help:"Bring the database to the newest schema."`
	Reindex   reindex          `cmd:"" help:"Make the rows that search answers by anew, all or one parameter's, or tell how far that is."`
	Keys      keysCommand      `cmd:"" help:"Rotate the keys that files are sealed by."`
	Backup    backupCommand    `cmd:"" help:"Write database, files and keys into one sealed file, while servers run."`
	Restore   restoreCommand   `cmd:"" help:"Make a new data folder and database out of a backup."`
	User      user             `cmd:"" help:"Issue tokens, passwords and signing keys."`
	App       appCommand       `cmd:"" help:"Register apps and backends that may ask for tokens."`
	DICOM     dicomCommand     `cmd:"" name:"dicom" help:"Register DICOM application entities that may call, or be called."`
	Version   version          `cmd:"" help:"Print the version."`

	Audit   auditCommand   `cmd:"" help:"Write the audit of a case, a person, a patient or a period, with proofs if asked."`
	Witness witnessCommand `cmd:"" help:"Watch a log from outside: cosign its checkpoints, and only those that extend what was seen."`

	DeadLetters deadLetters `cmd:"" help:"List messages to others that were set aside, or try one again."`

	Package     packages           `cmd:"" help:"Load, list and remove FHIR packages."`
	Terminology terminologyCommand `cmd:"" help:"Import, list and remove large code systems."`
	Validate    validateCommand    `cmd:"" help:"Validate files offline by the embedded definitions, packages and profiles."`

	Plan planCommand `cmd:"" help:"Check plans: the processes that cases run on."`

	Conformance conformanceCommand `cmd:"" help:"Ask a FHIR R4 server, whichever it is, for what the specification demands, case by case."`

	Deidentify deidentifyCommand `cmd:"" help:"Take out of DICOM files what tells whose they are (PS3.15 annex E)."`

	FHIRPath fhirpathCommand `cmd:"" name:"fhirpath" help:"Evaluate a FHIRPath expression on files; one line a result: path, type, value."`
}

// exit codes: 0 fine, 1 failed or found something, 2 wrong use, 3 consistent but
// not anchored in a trust file.
const (
	exitFault      = 1
	exitUsage      = 2
	exitUnanchored = 3
)

// coded is an error with an exit code of its own.
type coded struct {
	error
	code int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main for tests: it parses, runs and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("tenon"), kong.Writers(stdout, stderr),
		kong.Description("A standards-based server for medical devices made for one patient."),
		kong.Configuration(readFile, "/etc/tenon.json", "tenon.json"),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(stdout, (*io.Writer)(nil)))
	if err != nil {
		fmt.Fprintln(stderr, "tenon:", err)
		return exitUsage
	}
	cmd, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "tenon:", err)
		return exitUsage
	}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(stderr, "tenon:", err)
		var with coded
		if errors.As(err, &with) {
			return with.code
		}
		return exitFault
	}
	return 0
}
