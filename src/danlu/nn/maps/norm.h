/* What a batch norm keeps, from sums over parts of the positions: in double, one part after the other. */

/* kept (4, c): mean, inverse deviation, and what x less the mean is multiplied by and what is added (the mean is taken off first, so that
   channels far from zero keep their digits). parts (…, 2, c): mean and sum of squares around it of every ``rows`` of n positions.
   The running statistics move by ``momentum``. Chan, Golub & LeVeque 1983. */
void danlu_settle(const float *parts, int64_t rows, int64_t n, int64_t c, const float *weight, const float *bias, float eps,
                  float momentum, float *running_mean, float *running_variance, float *kept)
{
    float *mean = kept, *inverse = kept + c, *times = kept + 2 * c, *plus = kept + 3 * c;
    int64_t count = (n + rows - 1) / rows;
    for (int64_t j = 0; j < c; j += LANES) {
        double middle[LANES] = {0}, squares[LANES] = {0};
        for (int64_t part = 0, have = 0; part < count; part++) {
            const float *sums = parts + part * 2 * c + j;
            int64_t more = least(rows, n - part * rows);
            have += more;
            double share = (double)more / (double)have, both = share * (double)(have - more);
            for (int k = 0; k < LANES; k++) {
                double off = sums[k] - middle[k];
                middle[k] += off * share;
                squares[k] += sums[c + k] + off * off * both;
            }
        }
        for (int k = 0; k < LANES; k++) {
            int64_t at = j + k;
            mean[at] = (float)middle[k];
            inverse[at] = (float)(1 / sqrt(squares[k] / (double)n + eps));
            running_mean[at] += momentum * (mean[at] - running_mean[at]);
            running_variance[at] += momentum * ((float)(squares[k] / (double)(n - 1)) - running_variance[at]);
            times[at] = weight[at] * inverse[at];
            plus[at] = bias[at] - (float)(middle[k] - mean[at]) * times[at]; /* with what a float32 leaves of the mean */
        }
    }
}

/* Gradients of weight and bias, and with what the gradient of x is put together: the activation's slope times room[0], x less its mean
   times room[1], and room[2] (3, c). parts (count, 2, c): sums of slopes, and of slopes times x less its mean. */
void danlu_settle_back(const float *parts, int64_t count, int64_t n, int64_t c, const float *weight, const float *kept, float *gweight,
                       float *gbias, float *room)
{
    const float *inverse = kept + c;
    for (int64_t j = 0; j < c; j += LANES) {
        double sum[LANES] = {0}, product[LANES] = {0};
        for (int64_t part = 0; part < count; part++)
            for (int k = 0; k < LANES; k++) {
                sum[k] += parts[part * 2 * c + j + k];
                product[k] += parts[part * 2 * c + c + j + k];
            }
        for (int k = 0; k < LANES; k++) {
            double over = inverse[j + k], scale = weight[j + k] * over;
            gbias[j + k] = (float)sum[k];
            gweight[j + k] = (float)(product[k] * over);
            room[j + k] = (float)scale;
            room[c + j + k] = (float)(-scale * over * over * product[k] / (double)n);
            room[2 * c + j + k] = (float)(-scale * sum[k] / (double)n);
        }
    }
}
