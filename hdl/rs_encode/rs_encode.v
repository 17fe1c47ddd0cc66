// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Systematic Reed-Solomon encoder and checker over GF(2^8), one codeword a beat.
 *
 * A beat carries byte 0 of N chunks, then byte 1 of them, and so on. The K data bytes pass through;
 * the N-K parity bytes are computed (check = 0) or compared with those that came (check = 1). `bad`
 * in the output says that a parity byte of this frame was wrong so far: on the beat with tlast it
 * is the verdict on the frame, and the next frame starts clean.
 *
 * The code is that of AVID-M's public implementation: polynomial 0x11D; the data are the values of
 * a polynomial of degree K-1 at the points 0..K-1, the parity its values at K..N-1. The weights of
 * Lagrange's formula are constants, so that every parity bit is one XOR of data bits.
 *
 * Left out: tkeep (chunks are whole beats), decoding with data chunks missing.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module rs_encode #
(
    parameter N = 16,
    parameter K = 6
)
(
    input  wire           clk,
    input  wire           rst,

    // {check, parity N-1..K, data K-1..0}, one byte each
    input  wire [8*N:0]   s_axis_tdata,
    input  wire           s_axis_tvalid,
    output wire           s_axis_tready,
    input  wire           s_axis_tlast,

    // {bad, parity N-1..K, data K-1..0}
    output wire [8*N:0]   m_axis_tdata,
    output wire           m_axis_tvalid,
    input  wire           m_axis_tready,
    output wire           m_axis_tlast
);

initial begin
    if (K < 1 || N <= K || N > 255) begin
        $error("1 <= K < N <= 255 must hold (instance %m)");
        $finish;
    end
end

// product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1
function [7:0] times;
    input [7:0] a;
    input [7:0] b;
    integer i;
    reg [7:0] power;
    begin
        times = 8'd0;
        power = a;
        for (i = 0; i < 8; i = i + 1) begin
            if (b[i]) times = times ^ power;
            power = {power[6:0], 1'b0} ^ (power[7] ? 8'h1d : 8'h00);
        end
    end
endfunction

// 1/a = a^254 = a^2 a^4 ... a^128
function [7:0] inverse;
    input [7:0] a;
    integer i;
    reg [7:0] power;
    begin
        inverse = 8'd1;
        power = a;
        for (i = 1; i < 8; i = i + 1) begin
            power = times(power, power);
            inverse = times(inverse, power);
        end
    end
endfunction

// Lagrange's weights of the values at points 0..K-1 for the value at point `row`, one byte each
function [8*K-1:0] weights;
    input integer row;
    integer column;
    integer m;
    reg [7:0] above;
    reg [7:0] below;
    begin
        weights = {8*K{1'b0}};
        for (column = 0; column < K; column = column + 1) begin
            above = 8'd1;
            below = 8'd1;
            for (m = 0; m < K; m = m + 1) begin
                if (m != column) begin
                    above = times(above, row[7:0] ^ m[7:0]);
                    below = times(below, column[7:0] ^ m[7:0]);
                end
            end
            weights[8*column +: 8] = times(above, inverse(below));
        end
    end
endfunction

// the data bits that are summed into bit `place` of a parity byte
function [8*K-1:0] taps;
    input [8*K-1:0] factors;
    input integer place;
    integer i;
    reg [7:0] part;
    begin
        taps = {8*K{1'b0}};
        for (i = 0; i < 8*K; i = i + 1) begin
            part = times(factors[8*(i/8) +: 8], 8'd1 << (i % 8));
            taps[i] = part[place];
        end
    end
endfunction

wire [8*K-1:0] data = s_axis_tdata[8*K-1:0];
wire [8*(N-K)-1:0] given = s_axis_tdata[8*N-1:8*K];
wire [8*(N-K)-1:0] parity;
wire check = s_axis_tdata[8*N];

genvar row, place;
generate
    for (row = K; row < N; row = row + 1) begin : parity_byte
        localparam [8*K-1:0] WEIGHTS = weights(row);
        for (place = 0; place < 8; place = place + 1) begin : parity_bit
            localparam [8*K-1:0] TAPS = taps(WEIGHTS, place);
            assign parity[8*(row-K) + place] = ^(data & TAPS);
        end
    end
endgenerate

reg bad_reg = 1'b0;
wire bad = bad_reg || (check && parity != given);

wire ready;
assign s_axis_tready = ready;

always @(posedge clk) begin
    if (s_axis_tvalid && ready) begin
        bad_reg <= bad && !s_axis_tlast;
    end

    if (rst) begin
        bad_reg <= 1'b0;
    end
end

axis_skid #
(
    .DATA_WIDTH(8*N + 1)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({bad, parity, data}),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(ready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
