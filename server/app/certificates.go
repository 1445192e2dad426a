package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"tenon/server/ledger"
)

// paired refuses a certificate without its key, and a key without its certificate.
// prefix is that of the settings.
func paired(prefix, cert, key string) error {
	if (cert == "") != (key == "") {
		return fmt.Errorf("%[1]s-cert: a certificate needs %[1]s-key, and the other way round", prefix)
	}
	return nil
}

// pairIn reads a certificate and its key from their files; none where none is named.
func pairIn(prefix, cert, key string) ([]tls.Certificate, error) {
	if cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s-cert: %w", prefix, err)
	}
	return []tls.Certificate{pair}, nil
}

// poolIn reads the authorities of a file; nil where none is named.
func poolIn(setting, file string) (*x509.CertPool, error) {
	all, err := certificatesIn(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	for _, c := range all {
		pool.AddCert(c)
	}
	return pool, nil
}

// certificatesIn are the certificates of a file in PEM; none where none is named.
func certificatesIn(file string) ([]*x509.Certificate, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the operator's own
	if err != nil {
		return nil, err
	}
	return ledger.Certificates(text)
}
