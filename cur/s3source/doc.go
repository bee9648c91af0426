// Package s3source lets package cur read reports from a bucket of Amazon S3.
//
// A [Source] is a [cur.Source] whose names are the keys of one bucket: what package
// cur says about finding a delivery holds here as it does for folders. Give
// [cur.Locate] the key of a manifest, a prefix under which there is exactly one, or the
// keys of data files. Data files that a manifest names are looked for in the same
// bucket, at their own key and where copies have them, so that a copied bucket needs
// nothing rewritten.
//
// # What is fetched
//
// Of a Parquet file the footer is fetched, and of each row group the chunks of the
// columns that are needed: near ones together, at most an eighth more than what is
// needed, in pieces of [Options].Window. Requests overlap only when
// [cur.Rollup].Workers says so. Of other files the whole is fetched as one stream. A
// Parquet file that is named itself, without a manifest, is also fetched whole once, for
// the digest that identifies its content. [Source.Stats] tells what was fetched.
//
// # Guarantees
//
// An object is pinned: each request for a part of it asks for the ETag that it had when
// it was opened, and package cur compares that with the one it had when it was located.
// An object that was replaced is an [Error] matching [cur.ErrChanged] that names both
// ETags. What an answer says about range, size and ETag is checked, also against
// servers that ignore the condition.
//
// A request that fails for a passing reason, or whose answer breaks off or stalls, is
// tried again from the byte it got to, with growing pauses, as often as
// [Options].Attempts says; the client's own retries are switched off for these calls,
// so that the two do not multiply. The context given to Open ends everything at once.
// No goroutine outlives a call.
//
// Every error is an *[Error] with bucket and key, and matches [cur.ErrSource]; one for
// an object that does not exist also matches [fs.ErrNotExist], for one that may not be
// read [fs.ErrPermission].
//
// # Encryption
//
// Objects encrypted with SSE-S3 or SSE-KMS need no option: S3 decrypts them for who may
// read them. With a KMS key that takes kms:Decrypt beside s3:GetObject. Objects
// encrypted with a customer's key (SSE-C) need [Options].CustomerKey.
//
// # Permissions
//
// The least policy for an export under the prefix reports/ is below; leave the last
// statement out when there is no KMS key. Without s3:ListBucket S3 answers 403 for an
// object that does not exist, so that a manifest's files cannot be looked for.
//
//	{"Version": "2012-10-17", "Statement": [
//	  {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/reports/*"},
//	  {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::BUCKET"},
//	  {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:REGION:ACCOUNT:key/KEY"}]}
//
// Narrowing s3:ListBucket by the condition key s3:prefix would turn some of the
// look-ups above into 403 again; it may be narrowed when the manifest's data files are
// where it says. [Options].Versions needs s3:GetObjectVersion.
package s3source
