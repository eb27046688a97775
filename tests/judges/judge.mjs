// SPDX-FileCopyrightText: storeops.refunds contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Reads a job as JSON from standard input, asks the simulator with one of two client libraries that are not ours, and
// prints what they made of its answers as JSON. The libraries are unchanged; only the base URL of each is set.
//   node judge.mjs FOLDER_WITH_NODE_MODULES apple|agisboye

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [folder, name] = process.argv.slice(2);
const job = JSON.parse(readFileSync(0, "utf8"));

async function library(path) {
  const found = await import(pathToFileURL(join(folder, "node_modules", path)).href);
  return found.default ?? found;
}

async function failure(asked) {
  try {
    await asked;
  } catch (error) {
    return { code: error.apiError ?? error.errorCode ?? error.status ?? null, status: error.httpStatusCode ?? null };
  }
  return null;
}

function forged(signed) {
  const [header, payload, signature] = signed.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  claims.price = 1;
  return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
}

async function apple() {
  const lib = await library("@apple/app-store-server-library/dist/index.js");
  const environment = lib.Environment.PRODUCTION;
  const make = (keyId) => {
    const made = new lib.AppStoreServerAPIClient(job.private_key, keyId, job.issuer_id, job.bundle_id, environment);
    made.urlBase = job.base;
    return made;
  };
  const roots = [Buffer.from(job.root, "base64")];
  const verifier = new lib.SignedDataVerifier(roots, false, environment, job.bundle_id, job.apple_id);
  return {
    client: make(job.key_id),
    stranger: make("STRANGER01"),
    decode: (signed) => verifier.verifyAndDecodeTransaction(signed),
    decodeNotification: (signed) => verifier.verifyAndDecodeNotification(signed),
    history: (client, token) => client.getNotificationHistory(token, job.request),
    refunds: (client, revision) => client.getRefundHistory(job.transaction_id, revision),
  };
}

async function agisboye() {
  const lib = await library("app-store-server-api/dist/index.js");
  const make = (keyId) => {
    const made = new lib.AppStoreServerAPI(
      job.private_key, keyId, job.issuer_id, job.bundle_id, lib.Environment.Production,
    );
    made.baseUrl = job.base;
    return made;
  };
  return {
    client: make(job.key_id),
    stranger: make("STRANGER01"),
    decode: (signed) => lib.decodeTransaction(signed, job.root_fingerprint),
    decodeNotification: (signed) => lib.decodeNotificationPayload(signed, job.root_fingerprint),
    history: (client, token) => client.getNotificationHistory(job.request, token ? { paginationToken: token } : {}),
    refunds: (client, revision) => client.getRefundHistory(job.transaction_id, revision),
  };
}

async function notifications(judge) {
  const pages = [];
  let token = null;
  do {
    const page = await judge.history(judge.client, token);
    pages.push(await Promise.all(page.notificationHistory.map(async ({ signedPayload }) => {
      const payload = await judge.decodeNotification(signedPayload);
      const transaction = await judge.decode(payload.data.signedTransactionInfo);
      return [payload.notificationType, transaction.transactionId, transaction.price];
    })));
    token = page.hasMore ? page.paginationToken : null;
  } while (token);
  return pages;
}

async function refunds(judge) {
  const found = [];
  let page = null;
  do {
    page = await judge.refunds(judge.client, page?.revision ?? null);
    for (const signed of page.signedTransactions) found.push((await judge.decode(signed)).transactionId);
  } while (page.hasMore);
  return found;
}

const judge = await { apple, agisboye }[name]();
const { signedTransactionInfo } = await judge.client.getTransactionInfo(job.transaction_id);
const decoded = await judge.decode(signedTransactionInfo);
const result = {
  decoded: Object.fromEntries(job.fields.map((field) => [field, decoded[field]])),
  forged: (await failure(judge.decode(forged(signedTransactionInfo)))) !== null,
  unknown: await failure(judge.client.getTransactionInfo("1")),
  malformed: await failure(judge.client.getTransactionInfo("12a")),
  refused: (await failure(judge.stranger.getTransactionInfo(job.transaction_id))) !== null,
  notifications: await notifications(judge),
  refunds: await refunds(judge),
  test_token: typeof (await judge.client.requestTestNotification()).testNotificationToken,
};
console.log(JSON.stringify(result));
