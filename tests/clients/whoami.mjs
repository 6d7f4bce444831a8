// Who am I?  Asked with the AWS SDK for JavaScript v3, by the profile that the environment names.
// A profile with an MFA device is told the code that the environment holds.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { defaultProvider } from "@aws-sdk/credential-provider-node";

const code = process.env.MFA_CODE;
const credentials = code ? defaultProvider({ mfaCodeProvider: async () => code }) : undefined;
const client = new STSClient({ maxAttempts: 1, credentials });
const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
console.log(JSON.stringify({ Account, Arn }));
