package ledger

import (
	"fmt"
	"strings"
)

// Kind says what is wrong.
type Kind string

// What verification finds.
const (
	Changed     Kind = "changed"     // not the bytes that the log or the inventory vouches for
	Missing     Kind = "missing"     // vouched for, but not there
	Inserted    Kind = "inserted"    // there, but nothing vouches for it
	Reordered   Kind = "reordered"   // there and unchanged, in another place
	Forked      Kind = "forked"      // another history than the trusted one
	Untrusted   Kind = "untrusted"   // by a key that is not the trusted one
	Unsequenced Kind = "unsequenced" // committed, but left out of the log too long
	Malformed   Kind = "malformed"   // cannot be read
	Expired     Kind = "expired"     // by a certificate that has ended, and nothing proves that it was there before
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind Kind
	What string // version, audit, event, blob, signature, checkpoint, inventory, dossier, log
	Ref  string // which one, e.g. "Patient/1/_history/2"
	Text string // how it was found
}

// String is "changed version Patient/1/_history/2: …".
func (f Finding) String() string {
	s := string(f.Kind) + " " + f.What
	if f.Ref != "" {
		s += " " + f.Ref
	}
	return s + ": " + f.Text
}

// maxFindings bounds a report; what goes beyond is only counted.
const maxFindings = 1000

// Report is what a verification found.
type Report struct {
	Trusted  bool // judged against keys kept outside; else only consistent with itself
	Origin   string
	Case     string
	Size     int64 // leaves of the log that the checkpoint covers
	Versions int
	Batches  int // of audit
	Events   int // audit rows shown
	Blobs    int
	Contents int // blobs whose content was read and fits
	Signed   int // signatures that hold
	Anchored int // states of the log that a time stamp or a witness vouches for
	Erased   int // versions and blobs that were erased by certificate
	Waiting  int // committed rows that have no index yet and are young
	Findings []Finding
	SM3      int // things whose SM3 was checked beside their SHA-256
	More     int // findings beyond those listed
	Notes    []string
	Summary  []byte // the PDF for people, as it is sealed; nil where there is none that fits
}

// OK tells whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Exit is the exit code of `tenon verify`: 0 proven, 1 something is wrong, 3
// consistent with itself only, since no trust was given.
func (r *Report) Exit() int {
	switch {
	case !r.OK():
		return 1
	case !r.Trusted:
		return 3
	}
	return 0
}

// String is the report for a person, one line a finding.
func (r *Report) String() string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "and %d more\n", r.More)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(&b, "note:", n)
	}
	fmt.Fprintf(&b, "%d versions, %d audit batches with %d events shown, %d blobs (%d contents read), %d signatures; log %s at %d leaves, %d states of it vouched for from outside\n",
		r.Versions, r.Batches, r.Events, r.Blobs, r.Contents, r.Signed, r.Origin, r.Size, r.Anchored)
	if r.SM3 > 0 {
		fmt.Fprintf(&b, "%d digests by SM3 beside SHA-256\n", r.SM3)
	}
	switch r.Exit() {
	case 0:
		b.WriteString("verified\n")
	case 1:
		b.WriteString("REFUSED\n")
	default:
		b.WriteString("self-consistent only: no trusted keys were given, so whoever wrote it may have made it up\n")
	}
	return b.String()
}

// find adds a finding; the same thing found in a second way is said once.
func (r *Report) find(kind Kind, what, ref, format string, args ...any) {
	for _, f := range r.Findings {
		if ref != "" && f.Kind == kind && f.What == what && f.Ref == ref {
			return
		}
	}
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{kind, what, ref, fmt.Sprintf(format, args...)})
}

func (r *Report) note(format string, args ...any) {
	if len(r.Notes) < maxFindings {
		r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
	}
}
