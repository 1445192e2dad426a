package record

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// maxContent bounds the content of one Binary: 4 GiB.
const maxContent = 4 << 30

// digestExtension states the SHA-256 of content that is kept outside the JSON of
// a Binary.
const digestExtension = "urn:tenon:extension:sha-256"

// PutContent stores raw content as a Binary: the bytes go to the blob store as
// they stream in, then the resource that names their digest is written. binary
// is POST or PUT with the contentType and, perhaps, the securityContext in Body:
// {"resourceType":"Binary","contentType":"model/stl"}.
// https://hl7.org/fhir/R4/binary.html#rest
func (r *Recorder) PutContent(ctx context.Context, who *access.Context, binary Op, content io.Reader) (*Result, error) {
	if err := r.entry(who, "Binary"); err != nil {
		return nil, err
	}
	verb := access.Create
	if binary.Method == "PUT" {
		verb = access.Update
	}
	// Refused callers do not get to stream gigabytes first.
	if err := who.Allow(verb, "Binary"); err != nil {
		return nil, err
	}
	blob, err := r.o.Blobs.Stage(ctx, content, maxContent)
	if err != nil {
		return nil, err
	}
	if err := r.o.Blobs.Sync(ctx); err != nil {
		return nil, fmt.Errorf("record: sync of blobs: %w", err)
	}
	if binary.Body, err = withDigest(binary.Body, blob); err != nil {
		return nil, err
	}
	binary.Type, binary.Blob = "Binary", &blob
	outcome, err := r.Submit(ctx, who, &Draft{Door: "fhir", Operation: "create", Ops: []Op{binary}})
	if err != nil {
		return nil, err
	}
	return &outcome.Results[0], nil
}

// withDigest adds extensions with digest and size to contentType, which keeps
// the Binary valid: R4 gives Binary itself no extension.
func withDigest(body []byte, blob BlobRow) ([]byte, error) {
	var b map[string]any
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, err
	}
	b["_contentType"] = map[string]any{"extension": []any{
		map[string]any{"url": digestExtension, "valueString": hex.EncodeToString(blob.Digest[:])},
		map[string]any{"url": "urn:tenon:extension:size", "valueString": fmt.Sprint(blob.Size)},
	}}
	return json.Marshal(b)
}

// Content opens the content of a Binary that is kept as a blob. For a Binary
// whose data stands in its JSON, the reader is nil and the version says it all.
func (r *Recorder) Content(ctx context.Context, who *access.Context, id string) (BlobReader, *Version, error) {
	v, err := r.Read(ctx, who, "Binary", id)
	if err != nil || v.Blob == "" {
		return nil, v, err
	}
	var digest [32]byte
	if _, err := hex.Decode(digest[:], []byte(v.Blob)); err != nil {
		return nil, nil, fmt.Errorf("record: Binary/%s: %w", id, err)
	}
	blob, err := r.o.Blobs.Open(ctx, digest)
	if err != nil {
		return nil, nil, fmt.Errorf("record: Binary/%s: %w", id, err)
	}
	return blob, v, nil
}

// checkDigests refuses a document whose stated SHA-256 is not that of the Binary
// that it names: a document never points to other bytes than it says.
func (p *preparation) checkDigests(w *write) error {
	var failed error
	p.r.attachments(w.root, func(id, stated string) {
		if failed != nil || stated == "" {
			return
		}
		v := (*Version)(nil)
		if other := p.writeOf("Binary", id); other != nil {
			v = other.version
		} else if v, failed = p.r.current(p.ctx, p.who.ReachNamed(), "Binary", id); failed != nil {
			return
		}
		if v == nil {
			failed = issue.Errorf(issue.NotFound, "The attachment names Binary/%s, which is not there or not in your reach.", id).
				Rule("reference-target").WithStatus(422)
			return
		}
		if v.Blob != "" && v.Blob != stated {
			failed = issue.Errorf(issue.Value, "The attachment states SHA-256 %s, but the content of Binary/%s has %s.", stated, id, v.Blob).
				Rule("attachment-digest").WithStatus(422).Chinese("附件的 SHA-256 与文件内容不一致。")
		}
	})
	return failed
}
