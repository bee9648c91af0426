package s3source_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/cur/s3source"
)

// memory is a client whose bucket is a map. A program would use *s3.Client.
type memory map[string]string

func (m memory) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	content, ok := m[*in.Key]
	if !ok {
		return nil, &types.NotFound{}
	}
	return &s3.HeadObjectOutput{ContentLength: aws.Int64(int64(len(content))), ETag: aws.String(`"1"`), LastModified: aws.Time(modified)}, nil
}

func (m memory) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	content, ok := m[*in.Key]
	if !ok {
		return nil, &types.NoSuchKey{}
	}
	var from, to int
	if _, err := fmt.Sscanf(*in.Range, "bytes=%d-%d", &from, &to); err != nil {
		return nil, err
	}
	return &s3.GetObjectOutput{ETag: aws.String(`"1"`), Body: io.NopCloser(bytes.NewReader([]byte(content[from : to+1]))),
		ContentRange: aws.String(fmt.Sprintf("bytes %d-%d/%d", from, to, len(content)))}, nil
}

func (m memory) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out := &s3.ListObjectsV2Output{}
	for key, content := range m {
		if strings.HasPrefix(key, *in.Prefix) {
			out.Contents = append(out.Contents, types.Object{Key: &key, Size: aws.Int64(int64(len(content))), ETag: aws.String(`"1"`), LastModified: aws.Time(modified)})
		}
	}
	return out, nil
}

// A program hands in the client it has, s3.NewFromConfig(config) say, and reads an
// export by the prefix that it is written under.
func Example() {
	client := memory{
		"reports/agents/metadata/BILLING_PERIOD=2026-05/agents-Manifest.json": `{"executionId": "04e9e487",
			"dataFiles": ["s3://billing/reports/agents/data/BILLING_PERIOD=2026-05/agents-00001.csv"]}`,
		"reports/agents/data/BILLING_PERIOD=2026-05/agents-00001.csv": `bill_payer_account_id,bill_billing_period_start_date,line_item_usage_start_date,line_item_product_code,line_item_unblended_cost
111122223333,2026-05-01T00:00:00Z,2026-05-04T00:00:00Z,AmazonBedrockAgentCore,1.25
111122223333,2026-05-01T00:00:00Z,2026-05-05T00:00:00Z,AmazonEC2,40
`,
	}
	bucket, prefix, err := s3source.ParseURI("s3://billing/reports/agents")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	source := s3source.New(client, bucket, nil)
	sets, err := cur.Locate(ctx, source, prefix)
	if err != nil {
		log.Fatal(err)
	}
	rolled, err := new(cur.Rollup).Run(ctx, sets[0])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rolled[0].Delivery.Period, "of", rolled[0].Delivery.Payer)
	for _, g := range rolled[0].Partial.Groups() {
		fmt.Println(g.Key.ProductCode, g.Sum(cur.UnblendedCost))
	}
	for _, o := range rolled[0].Partial.Objects() {
		fmt.Println(o.Name, o.Size, "bytes, ETag", o.ETag)
	}
	// Output:
	// 2026-05 of 111122223333
	// AmazonBedrockAgentCore 1.25
	// AmazonEC2 40
	// reports/agents/data/BILLING_PERIOD=2026-05/agents-00001.csv 279 bytes, ETag 1
}
