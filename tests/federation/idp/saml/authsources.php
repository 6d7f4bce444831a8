<?php
// The people of the company, and what the provider says of each.
$ours = 'https://aws.amazon.com/SAML/Attributes/';
$provider = 'arn:aws:iam::111122223333:saml-provider/Corp';
$role = fn ($name) => "arn:aws:iam::111122223333:role/$name,$provider";
$config = [
    'people' => [
        'exampleauth:UserPass',
        'ann:secret' => [
            'uid' => ['ann'],
            "{$ours}Role" => [$role('Staff'), $role('Admins')],
            "{$ours}RoleSessionName" => ['ann@corp'],
            "{$ours}SessionDuration" => ['3600'],
            "{$ours}SourceIdentity" => ['ann'],
            "{$ours}PrincipalTag:Team" => ['red'],
            "{$ours}TransitiveTagKeys" => ['Team'],
            'urn:oid:1.3.6.1.4.1.5923.1.1.1.1' => ['staff'],
        ],
        'bob:secret' => [
            'uid' => ['bob'],
            "{$ours}Role" => [$role('Staff')],
            "{$ours}RoleSessionName" => ['bob@corp'],
        ],
    ],
];
