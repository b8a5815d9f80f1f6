package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"hecate"
)

// S3 keeps blobs as objects of a bucket that speaks the S3 protocol.
type S3 struct {
	client *minio.Client
	bucket string
}

// OpenS3 returns the blobs of a bucket named as s3://KEY:SECRET@HOST/BUCKET (s3+http:// without TLS, for
// one's own network). The bucket must exist.
func OpenS3(ctx context.Context, address string) (*S3, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || len(u.Path) < 2 || u.User == nil {
		return nil, errors.New("blobs: want s3://KEY:SECRET@HOST/BUCKET")
	}
	password, _ := u.User.Password()
	client, err := minio.New(u.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(u.User.Username(), password, ""),
		Secure: u.Scheme == "s3",
		Region: u.Query().Get("region"),
	})
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	s := &S3{client, u.Path[1:]}
	ok, err := client.BucketExists(ctx, s.bucket)
	if err != nil {
		return nil, fmt.Errorf("blobs: ask for bucket %s: %w", s.bucket, err)
	}
	if !ok {
		return nil, fmt.Errorf("blobs: no bucket %s", s.bucket)
	}
	return s, nil
}

// Put implements Store. The bytes are spooled to a local file first, so that size and
// digest are known before anything is sent.
func (s *S3) Put(ctx context.Context, name string, r io.Reader, limit int64) (size int64, digest string, err error) {
	if err := checkName(name); err != nil {
		return 0, "", err
	}
	spool, err := os.CreateTemp("", "hecate-upload-*")
	if err != nil {
		return 0, "", fmt.Errorf("store blob: %w", err)
	}
	defer func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}()
	size, digest, err = digestCopy(ctx, spool, r, limit)
	if err != nil {
		return 0, "", fmt.Errorf("store blob: %w", err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return 0, "", fmt.Errorf("store blob: %w", err)
	}
	if _, err := s.client.PutObject(ctx, s.bucket, name, spool, size, minio.PutObjectOptions{}); err != nil {
		return 0, "", fmt.Errorf("store blob: %w", err)
	}
	return size, digest, nil
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, name string) (io.ReadSeekCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	o, err := s.client.GetObject(ctx, s.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	if _, err := o.Stat(); err != nil {
		_ = o.Close()
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return nil, hecate.E(hecate.NotFound, "open blob")
		}
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return o, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := s.client.RemoveObject(ctx, s.bucket, name, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// All implements Store.
func (s *S3) All(ctx context.Context) iter.Seq2[Blob, error] {
	return func(yield func(Blob, error) bool) {
		for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Recursive: true}) {
			if o.Err != nil {
				yield(Blob{}, fmt.Errorf("list blobs: %w", o.Err))
				return
			}
			if checkName(o.Key) == nil && !yield(Blob{o.Key, o.LastModified}, nil) {
				return
			}
		}
	}
}
