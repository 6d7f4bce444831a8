// An application on a telephone: it has a pool's id and, for whoever signed in, his logins, and no key.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromCognitoIdentityPool } from "@aws-sdk/credential-providers";

const { ENDPOINT, POOL, LOGINS } = process.env;
const region = POOL.split(":")[0];
const credentials = fromCognitoIdentityPool({
  identityPoolId: POOL,
  logins: LOGINS ? JSON.parse(LOGINS) : undefined,
  clientConfig: { endpoint: ENDPOINT, region },
});
const client = new STSClient({ endpoint: ENDPOINT, region, credentials });
console.log((await client.send(new GetCallerIdentityCommand({}))).Arn);
