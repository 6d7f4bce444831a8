// Who am I?  Asked with the AWS SDK for JavaScript v3, by the profile that the environment names.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const client = new STSClient({ maxAttempts: 1 });
const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
console.log(JSON.stringify({ Account, Arn }));
