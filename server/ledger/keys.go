package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Keys are the server's own keys, kept in a folder that is backed up apart from
// the data: the key of the log and the authority that certifies signers.
//
//	log.key        Ed25519 key of the log and its public half, as c2sp.org/signed-note has them
//	authority.pem  certificate and ES256 key of the signer authority
//	authority-sm2.pem  the same for keys of the national suite, once one was issued
type Keys struct {
	Signer    note.Signer   // its name is the origin of the log
	Verifier  note.Verifier // of the same key
	Public    string        // the verifier key as text: origin+hash+base64
	Authority *Authority

	options  KeyOptions
	dir      string
	national *Authority // nil: no key of the national suite was issued
}

// KeyOptions changes how keys are made; the zero value works.
type KeyOptions struct {
	Origin    string           // of a new log; "": tenon.local/ and eight random digits
	Authority []byte           // PEM of certificate and key from configuration; nil: the folder's own
	Cost      Cost             // of sealing signers' keys; zero: DefaultCost
	Random    io.Reader        // nil: crypto/rand
	Clock     func() time.Time // nil: time.Now
}

// OpenKeys opens the folder and makes what is not there yet.
func OpenKeys(dir string) (*Keys, error) { return KeyOptions{}.Open(dir) }

// Open is OpenKeys with options.
func (o KeyOptions) Open(dir string) (*Keys, error) {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Cost == (Cost{}) {
		o.Cost = DefaultCost
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ledger: keys: %w", err)
	}
	k := &Keys{options: o, dir: dir}
	if err := k.openLog(filepath.Join(dir, "log.key")); err != nil {
		return nil, fmt.Errorf("ledger: log.key: %w", err)
	}
	if err := k.openAuthority(filepath.Join(dir, "authority.pem")); err != nil {
		return nil, fmt.Errorf("ledger: authority: %w", err)
	}
	if _, err := os.Stat(k.nationalFile()); err == nil {
		if err := k.openNational(); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *Keys) openLog(path string) error {
	text, err := keep(path, func() ([]byte, error) {
		origin := k.options.Origin
		if origin == "" {
			var chance [4]byte
			if _, err := io.ReadFull(k.options.Random, chance[:]); err != nil {
				return nil, err
			}
			origin = "tenon.local/" + hex.EncodeToString(chance[:])
		}
		if strings.ContainsFunc(origin, func(r rune) bool { return unicode.IsSpace(r) || r == '+' }) || !utf8.ValidString(origin) {
			return nil, fmt.Errorf("the origin %q has a space or a plus; use a name such as example.com/log", origin)
		}
		private, public, err := note.GenerateKey(k.options.Random, origin)
		return []byte(private + "\n" + public + "\n"), err
	})
	if err != nil {
		return err
	}
	private, public, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if k.Signer, err = note.NewSigner(private); err != nil {
		return errors.New("the first line is no private key of a signed note")
	}
	if k.Verifier, err = note.NewVerifier(public); err != nil {
		return errors.New("the second line is no public key of a signed note")
	}
	probe := []byte("do both lines belong together?\n")
	signed, err := k.Signer.Sign(probe)
	if err != nil || k.Signer.Name() != k.Verifier.Name() || !k.Verifier.Verify(probe, signed) {
		return errors.New("the two lines are not of one key")
	}
	if o := k.options.Origin; o != "" && o != k.Signer.Name() {
		return fmt.Errorf("the log's origin is %s, the configuration says %s", k.Signer.Name(), o)
	}
	k.Public = public
	return nil
}

// Sequencer is the sequencer of the log that these keys are for.
func (k *Keys) Sequencer(store Store, clock func() time.Time) *Sequencer {
	return &Sequencer{Store: store, Signer: k.Signer, Verifier: k.Verifier, Clock: clock}
}

// Trust is what somebody outside must keep to verify later; the checkpoint may
// be nil.
func (k *Keys) Trust(newest *Checkpoint) *Trust {
	return &Trust{LogKey: k.Public, Authority: k.Authority.Certificate, More: k.Authorities()[1:], Checkpoint: newest}
}

// keep reads a file of mode 0600, or makes it whole and durable: when two
// servers start at once, both get the one that came first.
func keep(path string, fresh func() ([]byte, error)) ([]byte, error) {
	text, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	text, err = fresh()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = io.Copy(f, bytes.NewReader(text))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return nil, err
	}
	return readSecret(path)
}

func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others than its owner: chmod 600 it", filepath.Base(path))
	}
	if info.Size() > 64<<10 {
		return nil, fmt.Errorf("%s is too long for a key", filepath.Base(path))
	}
	return os.ReadFile(path) //nolint:gosec // the operator's own folder
}
