package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tenon/server/ledger"
)

// Options of a witness. Name, Folder and Logs are needed.
type Options struct {
	Name   string   // such as example.org/witness
	Folder string   // of key and states
	Logs   []string // verifier keys of the logs that it watches
	Clock  func() time.Time
}

// Witness watches logs.
type Witness struct {
	o    Options
	key  ed25519.PrivateKey
	logs map[string]*ledger.LogKey

	mu sync.Mutex // one checkpoint at a time
}

// New opens the folder and makes a key the first time.
func New(o Options) (*Witness, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	w := &Witness{o: o, logs: map[string]*ledger.LogKey{}}
	for _, vkey := range o.Logs {
		k, err := ledger.ParseLogKey(vkey)
		if err != nil {
			return nil, err
		}
		w.logs[k.Origin()] = k
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, err
	}
	if err := w.openKey(filepath.Join(o.Folder, "witness.key")); err != nil {
		return nil, fmt.Errorf("witness.key: %w", err)
	}
	return w, nil
}

func (w *Witness) openKey(file string) error {
	text, err := os.ReadFile(file) //nolint:gosec // the operator's own folder
	if errors.Is(err, fs.ErrNotExist) {
		if w.o.Name == "" || strings.ContainsAny(w.o.Name, " \t\r\n+") {
			return fmt.Errorf("%q is no name for a witness: such as example.org/witness, without spaces and plus", w.o.Name)
		}
		seed := make([]byte, ed25519.SeedSize)
		if _, err := rand.Read(seed); err != nil {
			return err
		}
		text = []byte(w.o.Name + "\n" + base64.StdEncoding.EncodeToString(seed) + "\n")
		err = replace(file, text)
	}
	if err != nil {
		return err
	}
	name, rest, _ := strings.Cut(string(text), "\n")
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil || len(seed) != ed25519.SeedSize {
		return errors.New("it is not a name and a key, a line each")
	}
	if w.o.Name != "" && name != w.o.Name {
		return fmt.Errorf("the key is of %s, not of %s", name, w.o.Name)
	}
	w.o.Name, w.key = name, ed25519.NewKeyFromSeed(seed)
	return nil
}

// Key is the verifier key that others keep of this witness.
func (w *Witness) Key() string {
	return ledger.CosignerKey(w.o.Name, w.key.Public().(ed25519.PublicKey)) //nolint:errcheck,forcetypeassert // by its documentation
}

// Refusals of Add.
var (
	ErrMalformed    = errors.New("witness: the request is malformed")
	ErrUnknown      = errors.New("witness: no log of this origin is watched")
	ErrUntrusted    = errors.New("witness: the checkpoint is not signed by the log's key")
	ErrInconsistent = errors.New("witness: the checkpoint does not extend what was seen")
)

// Stale says that the request starts from another state than the last one seen.
type Stale struct{ Size int64 }

func (s Stale) Error() string { return fmt.Sprintf("witness: %d leaves were seen last", s.Size) }

// Add judges a checkpoint; what it cosigns it has kept before.
func (w *Witness) Add(body []byte) (cosignature string, err error) {
	a, err := ledger.ParseAddCheckpoint(body)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	log := w.logs[ledger.OriginOf(a.Note)]
	if log == nil {
		return "", ErrUnknown
	}
	c, err := log.Open(a.Note)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last, err := w.last(log)
	if err != nil {
		return "", err
	}
	switch {
	case a.Old > c.Size:
		return "", fmt.Errorf("%w: from %d leaves to %d", ErrMalformed, a.Old, c.Size)
	case a.Old != last.Size:
		return "", Stale{last.Size}
	case last.Size == c.Size && last.Size > 0 && last.Root != c.Root:
		return "", Stale{last.Size}
	case last.Size > 0 && ledger.CheckConsistency(last, c, a.Path) != nil, last.Size == 0 && len(a.Path) > 0:
		return "", ErrInconsistent
	}
	line := ledger.Cosign(w.o.Name, w.key, log.Text(c), w.o.Clock())
	kept := append(bytes.Clone(a.Note), line...)
	if err := replace(w.file(log), kept); err != nil {
		return "", fmt.Errorf("witness: keep: %w", err)
	}
	return line, nil
}

// Kept is the newest checkpoint that was cosigned of a log, nil if none was.
func (w *Witness) Kept(origin string) ([]byte, error) {
	log := w.logs[origin]
	if log == nil {
		return nil, ErrUnknown
	}
	text, err := os.ReadFile(w.file(log))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func (w *Witness) file(log *ledger.LogKey) string {
	return filepath.Join(w.o.Folder, fmt.Sprintf("%x", sha256.Sum256([]byte(log.Origin()))))
}

// last is the state seen last. What is kept must bear both signatures: a witness
// whose own memory was changed cosigns nothing.
func (w *Witness) last(log *ledger.LogKey) (ledger.Checkpoint, error) {
	text, err := w.Kept(log.Origin())
	if err != nil || text == nil {
		return ledger.Checkpoint{}, err
	}
	own, err := ledger.NewCosigner(w.Key())
	if err == nil {
		_, err = own.Open(text)
	}
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("witness: what was kept: %w", err)
	}
	return log.Open(text)
}

// replace puts a file whole and durably in the place of another.
func replace(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
