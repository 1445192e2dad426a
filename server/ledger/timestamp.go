package ledger

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// maxToken bounds what is read of a time stamp authority.
const maxToken = 256 << 10

// TimestampRequest asks for a time stamp over a checkpoint's note.
// https://www.rfc-editor.org/rfc/rfc3161#section-2.4.1
func TimestampRequest(signed []byte) (request []byte, nonce *big.Int, err error) {
	if nonce, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63)); err != nil {
		return nil, nil, err
	}
	request, err = timestamp.CreateRequest(bytes.NewReader(signed), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: nonce})
	if err != nil {
		return nil, nil, fmt.Errorf("ledger: time stamp: %w", err)
	}
	return request, nonce, nil
}

// TimestampOf reads the answer to a request and keeps its token as an anchor,
// judged by the roots of trusted time stamp authorities.
func TimestampOf(name string, c Checkpoint, response []byte, nonce *big.Int, roots []*x509.Certificate) (*Anchor, error) {
	if len(response) > maxToken {
		return nil, errors.New("ledger: time stamp: the answer is too long")
	}
	t, err := timestamp.ParseResponse(response)
	if err != nil {
		return nil, fmt.Errorf("ledger: time stamp: %w", err)
	}
	if nonce != nil && (t.Nonce == nil || t.Nonce.Cmp(nonce) != 0) {
		return nil, errors.New("ledger: time stamp: the answer is to another question")
	}
	at, err := openTimestamp(t.RawToken, c.Note, roots)
	if err != nil {
		return nil, fmt.Errorf("ledger: time stamp: %w", err)
	}
	return &Anchor{Kind: AnchorTSA, Name: name, Size: c.Size, At: at, Note: c.Note, Token: t.RawToken}, nil
}

// openTimestamp checks a token over bytes and tells its time, the latest that
// its accuracy allows. The authority's chain is judged at that time.
func openTimestamp(token, over []byte, roots []*x509.Certificate) (at time.Time, err error) {
	if len(token) == 0 || len(token) > maxToken {
		return at, errors.New("it has no token, or one that is too long")
	}
	defer func() { // the module parses BER of a stranger
		if recover() != nil {
			at, err = time.Time{}, errors.New("the token is malformed")
		}
	}()
	t, err := timestamp.Parse(token)
	if err != nil {
		return at, fmt.Errorf("the token: %w", err)
	}
	sum := sha256.Sum256(over)
	if t.HashAlgorithm != crypto.SHA256 || !bytes.Equal(t.HashedMessage, sum[:]) {
		return at, errors.New("the token is over something else")
	}
	signer, between, err := stampedBy(token)
	if err != nil {
		return at, err
	}
	at = t.Time.Add(t.Accuracy).UTC()
	if roots == nil {
		return at, nil
	}
	_, err = chainsBy(roots, signer, between, x509.VerifyOptions{CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return at, fmt.Errorf("the time stamp authority: %w", err)
	}
	return at, nil
}

// stampedBy is the certificate of the one signer of a token, which is for time
// stamps alone, and the others that came with it. A certificate that merely lies
// in the token signed nothing.
func stampedBy(token []byte) (signer *x509.Certificate, between []*x509.Certificate, err error) {
	p7, err := pkcs7.Parse(token)
	if err != nil {
		return nil, nil, fmt.Errorf("the token: %w", err)
	}
	if signer = p7.GetOnlySigner(); signer == nil {
		return nil, nil, errors.New("the token does not hold the certificate of its one signer")
	}
	if len(signer.ExtKeyUsage) != 1 || signer.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || signer.IsCA {
		return nil, nil, errors.New("the token is signed by a certificate that is not for time stamps")
	}
	for _, c := range p7.Certificates {
		if !c.Equal(signer) {
			between = append(between, c)
		}
	}
	return signer, between, nil
}
