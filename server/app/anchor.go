package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tenon/server/ledger"
)

// Anchoring says who outside vouches for the states of the log.
type Anchoring struct {
	Witnesses []string      `help:"Witnesses of the log, each 'key URL': the key that tenon witness prints, and its address." env:"TENON_ANCHOR_WITNESSES"`
	Every     time.Duration `help:"How often the newest checkpoint goes to the time stamp authority and the witnesses." default:"10m" env:"TENON_ANCHOR_EVERY"`
}

func (a *Anchoring) validate() error {
	if _, err := a.witnesses(); err != nil {
		return err
	}
	if a.Every < 0 || a.Every > 24*time.Hour {
		return errors.New("anchor-every: at most a day")
	}
	return nil
}

// witnessAt is one witness.
type witnessAt struct {
	key      string
	cosigner *ledger.Cosigner
	url      string
}

func (a *Anchoring) witnesses() (all []witnessAt, err error) {
	for _, text := range a.Witnesses {
		key, url, ok := strings.Cut(strings.TrimSpace(text), " ")
		c, err := ledger.NewCosigner(key)
		if !ok || err != nil || !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
			return nil, fmt.Errorf("anchor-witnesses: %q is not the key of a witness, a space and a URL", text)
		}
		all = append(all, witnessAt{key, c, strings.TrimSuffix(strings.TrimSpace(url), "/")})
	}
	return all, nil
}

// keepAnchored sends the newest checkpoint out again and again until the context
// ends. What fails is logged and tried the next time.
func (a *App) keepAnchored(ctx context.Context) {
	if len(a.Config.Anchoring.Witnesses) == 0 && a.Config.Signing.TSA == "" {
		return
	}
	every := a.Config.Anchoring.Every
	if every <= 0 {
		every = 10 * time.Minute
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := a.Anchor(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("nobody outside vouches for the newest state of the log", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Anchor has the newest checkpoint stamped and cosigned now.
func (a *App) Anchor(ctx context.Context) error {
	if _, err := a.sequencer.Once(ctx); err != nil {
		return err
	}
	c, err := a.Store.Checkpoint(ctx)
	if err != nil || c == nil {
		return err
	}
	newest, err := a.Store.NewestAnchors(ctx)
	if err != nil {
		return err
	}
	size := map[string]int64{}
	for _, n := range newest {
		size[n.Kind+" "+n.Name] = n.Size
	}
	var errs []error
	if url := a.Config.Signing.TSA; url != "" && size[ledger.AnchorTSA+" "+url] < c.Size {
		errs = append(errs, a.stamp(ctx, url, *c))
	}
	witnesses, err := a.Config.Anchoring.witnesses()
	if err != nil {
		return err
	}
	for _, w := range witnesses {
		// A witness is asked even where nothing is new: it tells of a log that was rolled back.
		errs = append(errs, a.witnessed(ctx, w, *c, min(c.Size, size[ledger.AnchorWitness+" "+w.cosigner.Name()])))
	}
	return errors.Join(errs...)
}

// answerTime bounds one question to somebody outside.
const answerTime = 30 * time.Second

// stamp asks the time stamp authority. https://www.rfc-editor.org/rfc/rfc3161#section-3.4
func (a *App) stamp(ctx context.Context, url string, c ledger.Checkpoint) error {
	request, nonce, err := ledger.TimestampRequest(c.Note)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := fetched(ctx, a.outbound(url), http.MethodPost, url, "application/timestamp-query", request)
	if err != nil {
		return fmt.Errorf("time stamp: %w", err)
	}
	anchor, err := ledger.TimestampOf(url, c, answer, nonce, a.outside.tsa)
	if err != nil {
		return err
	}
	return a.Store.PutAnchor(ctx, *anchor)
}

// witnessed has a witness cosign. A witness that has seen another state than this
// server remembers is asked from there; one that has seen more than there is tells
// that this log was rolled back.
func (a *App) witnessed(ctx context.Context, w witnessAt, c ledger.Checkpoint, old int64) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	for range 3 {
		line, seen, err := a.askWitness(ctx, w, c, old)
		if err != nil {
			return fmt.Errorf("witness %s: %w", w.cosigner.Name(), err)
		}
		if line == "" && seen > c.Size {
			return fmt.Errorf("witness %s has seen %d leaves, this log has %d: IT WAS ROLLED BACK", w.cosigner.Name(), seen, c.Size)
		}
		if line == "" && seen == old {
			return fmt.Errorf("witness %s has seen ANOTHER LOG of %d leaves under this name", w.cosigner.Name(), seen)
		}
		if line == "" {
			old = seen
			continue
		}
		signed := append(bytes.Clone(c.Note), line...)
		at, err := w.cosigner.Open(signed)
		if err != nil {
			return fmt.Errorf("witness %s: %w", w.cosigner.Name(), err)
		}
		return a.Store.PutAnchor(ctx, ledger.Anchor{Kind: ledger.AnchorWitness, Name: w.cosigner.Name(), Size: c.Size, At: at, Note: signed})
	}
	return fmt.Errorf("witness %s: others keep sending it checkpoints", w.cosigner.Name())
}

// askWitness sends a checkpoint; line is empty where the witness has seen another
// size.
func (a *App) askWitness(ctx context.Context, w witnessAt, c ledger.Checkpoint, old int64) (line string, seen int64, err error) {
	add := ledger.AddCheckpoint{Old: old, Note: c.Note}
	if old > 0 {
		if add.Path, err = ledger.Consistency(ctx, a.Store, old, c.Size); err != nil {
			return "", 0, err
		}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/add-checkpoint", bytes.NewReader(add.Encode()))
	if err != nil {
		return "", 0, err
	}
	r, err := a.outbound(w.url).Do(q)
	if err != nil {
		return "", 0, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<10))
	if err != nil {
		return "", 0, err
	}
	switch r.StatusCode {
	case http.StatusOK:
		return string(body), 0, nil
	case http.StatusConflict:
		seen, err = strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
		return "", seen, err
	case http.StatusUnprocessableEntity:
		return "", 0, fmt.Errorf("this log does NOT EXTEND the %d leaves that it has seen: it was forked", old)
	}
	return "", 0, fmt.Errorf("it answers %d: %.200q", r.StatusCode, body)
}
